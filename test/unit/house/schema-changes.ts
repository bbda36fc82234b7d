import { z } from 'zod';

const schema = z.looseObject({});
type Schema = z.infer<typeof schema>;

/**
 * What a new JSON Schema no longer promises of what an old one did, each with its place. More fields, more kinds of lines and
 * more words of a choice are no change; a field that is gone, may be missing, or is of another type is one.
 */
export function brokenPromises(before: unknown, after: unknown): string[] {
  const [old, now] = [schema.parse(before), schema.parse(after)];
  return compare(old, now, { old, now }, 'a line');
}

interface Roots {
  readonly old: Schema;
  readonly now: Schema;
}

function compare(rawOld: Schema, rawNow: Schema, roots: Roots, place: string): string[] {
  const old = resolved(rawOld, roots.old);
  const now = resolved(rawNow, roots.now);
  const [oldWays, newWays] = [waysOf(old), waysOf(now)];
  if (oldWays !== undefined) {
    return oldWays.flatMap((way) => {
      const known = resolved(way, roots.old);
      const same = newWays?.find((one) => nameOf(resolved(one, roots.now)) === nameOf(known));
      if (same === undefined) return [`${place}: ${nameOf(known)} is gone`];
      return compare(known, same, roots, `${place} (${nameOf(known)})`);
    });
  }
  const wrong: string[] = [];
  if (old['type'] !== now['type']) wrong.push(`${place}: the type is another one`);
  if (old['const'] !== now['const']) wrong.push(`${place}: the value is another one`);
  for (const word of listOf(old['enum']))
    if (!listOf(now['enum']).includes(word)) wrong.push(`${place}: ${JSON.stringify(word)} is gone`);
  for (const field of listOf(old['required']))
    if (!listOf(now['required']).includes(field)) wrong.push(`${place}.${String(field)} may be missing`);
  const fields = schema.catch({}).parse(now['properties']);
  for (const [name, field] of Object.entries(schema.catch({}).parse(old['properties']))) {
    const found = schema.safeParse(fields[name]);
    if (!found.success) wrong.push(`${place}.${name} is gone`);
    else wrong.push(...compare(schema.parse(field), found.data, roots, `${place}.${name}`));
  }
  const items = schema.safeParse(old['items']);
  if (items.success)
    wrong.push(...compare(items.data, schema.catch({}).parse(now['items']), roots, `${place}[]`));
  return wrong;
}

function resolved(one: Schema, root: Schema): Schema {
  const { $ref } = one;
  if (typeof $ref !== 'string') return one;
  const definitions = schema.parse(root['$defs']);
  return schema.parse(definitions[$ref.replace('#/$defs/', '')]);
}

function waysOf(one: Schema): Schema[] | undefined {
  const ways = z.array(schema).safeParse(one['anyOf'] ?? one['oneOf']);
  return ways.success ? ways.data : undefined;
}

/** What tells the ways of a choice apart: the words that are fixed in them, or else what they are. */
function nameOf(one: Schema): string {
  const fields = Object.entries(schema.catch({}).parse(one['properties'])).flatMap(([name, field]) => {
    const fixed = schema.parse(field)['const'];
    return fixed === undefined ? [] : [`${name} ${String(fixed)}`];
  });
  return fields.join(', ') || String(one['description'] ?? one['type']);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
