import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errnoOf, StateError } from '../core/errors.js';
import { argument, type FilterArguments, type FilterContext } from './filters.js';
import { expandHome } from './paths.js';
import { Undefined, type Value } from './value.js';
import { isTrue } from './value-algebra.js';

export interface LookupContext extends FilterContext {
  /** Text as messages may show it: nothing of a secret. */
  readonly shown: (text: string) => string;
  /** Where relative paths start: the working directory, and `files/` in it. */
  readonly cwd: string;
}

type Lookup = (terms: readonly string[], call: FilterArguments, context: LookupContext) => Value[];

/** The lookups that are understood. None of them runs a program. */
export const LOOKUPS: ReadonlyMap<string, Lookup> = new Map<string, Lookup>([
  ['env', environment],
  ['file', files],
]);

function environment(
  terms: readonly string[],
  call: FilterArguments,
  { env, wrong }: LookupContext,
): Value[] {
  const fallback = call.named.get('default') ?? '';
  return terms.map((term) => {
    const name = term.trim().split(/\s+/)[0] ?? '';
    if (name === '') throw wrong('lookup("env") needs the name of a variable');
    if (env[name] !== undefined) return env[name];
    if (fallback instanceof Undefined) throw fallback.fault();
    return fallback;
  });
}

/** A file larger than this is not the value of a variable. */
const LARGEST = 1024 * 1024;

function files(terms: readonly string[], call: FilterArguments, context: LookupContext): Value[] {
  const cutsEnd = isTrue(argument(call, Number.MAX_SAFE_INTEGER, 'rstrip') ?? true);
  const cutsStart = isTrue(argument(call, Number.MAX_SAFE_INTEGER, 'lstrip') ?? false);
  return terms.map((term) => {
    const text = readText(term, context);
    const left = cutsStart ? text.trimStart() : text;
    return cutsEnd ? left.trimEnd() : left;
  });
}

function readText(term: string, { env, cwd, wrong, shown }: LookupContext): string {
  const path = expandHome(term, env);
  const candidates = [join(cwd, 'files', path), resolve(cwd, path)];
  const found = path.startsWith('/') ? path : candidates.find((candidate) => existsSync(candidate));
  if (found === undefined) throw wrong(`lookup("file"): there is no file ${shown(term)} under ${cwd}`);
  try {
    if (statSync(found).size > LARGEST) throw wrong(`lookup("file"): ${shown(found)} is larger than 1 MiB`);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(found));
  } catch (thrown) {
    if (thrown instanceof StateError) throw thrown;
    throw wrong(
      `lookup("file"): ${shown(found)} cannot be read (${errnoOf(thrown) ?? 'it is not UTF-8 text'})`,
    );
  }
}
