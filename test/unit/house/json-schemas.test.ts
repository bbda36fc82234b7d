import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { JSON_LINES, lineFault, publishedSchema } from '../../../src/cli/json/lines.js';
import { publishedLogSchema } from '../../../src/cli/json/log-line.js';
import { jsonText } from './json-text.js';
import { brokenPromises } from './schema-changes.js';

const PROJECT = resolve(import.meta.dirname, '../../..');
const FOLDER = join(PROJECT, 'docs/schema');
/** What was published with releases, a folder for each version. */
const RELEASED = join(PROJECT, 'test/data/schema');

const wanted = new Map([
  ...[...JSON_LINES].map(([command, line]): [string, string] => [
    `${command}.json`,
    `${jsonText(publishedSchema(command, line))}\n`,
  ]),
  ['log.json', `${jsonText(publishedLogSchema())}\n`],
]);

if (process.env['UPDATE_DOCS'] !== undefined) {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, text] of wanted) writeFileSync(join(FOLDER, name), text);
}

describe('docs/schema', () => {
  it('has the schema of every command that prints JSON, and of the log, and no other', () => {
    expect(readdirSync(FOLDER).sort()).toEqual([...wanted.keys()].sort());
  });

  it.each([...wanted.keys()])('has %s as the code has it', (name) => {
    expect(readFileSync(join(FOLDER, name), 'utf8')).toBe(wanted.get(name));
  });

  const released = existsSync(RELEASED) ? readdirSync(RELEASED) : [];
  it('keeps every promise of released versions', () => {
    const broken = released.flatMap((version) =>
      readdirSync(join(RELEASED, version)).flatMap((name) => {
        const before: unknown = JSON.parse(readFileSync(join(RELEASED, version, name), 'utf8'));
        const after: unknown = JSON.parse(wanted.get(name) ?? '{}');
        return brokenPromises(before, after).map((promise) => `${version} ${name}: ${promise}`);
      }),
    );
    expect(broken).toEqual([]);
  });
});

describe('comparing two schemas', () => {
  const snapshots: unknown = JSON.parse(wanted.get('snapshots.json') ?? '');
  const changed = (from: string, to: string): unknown => {
    const text = JSON.stringify(snapshots);
    expect(text).toContain(from);
    return JSON.parse(text.replace(from, to));
  };

  it('has nothing against the same, or against more', () => {
    expect(brokenPromises(snapshots, snapshots)).toEqual([]);
    const more = changed('"standing":', '"news":{"type":"string"},"standing":');
    expect(brokenPromises(snapshots, more)).toEqual([]);
    expect(brokenPromises(more, snapshots)).toEqual([
      'a line (type summary, command snapshots).snapshots[].news is gone',
    ]);
  });

  it('objects to another type, another value, a word that is gone, a field that may be missing', () => {
    expect(brokenPromises(snapshots, changed('"id":{"type":"string"', '"id":{"type":"number"'))).toEqual([
      'a line (type summary, command snapshots).snapshots[].id: the type is another one',
    ]);
    expect(brokenPromises(snapshots, changed('"unproven",', ''))).toEqual([
      'a line (type summary, command snapshots).snapshots[].standing: "unproven" is gone',
    ]);
    expect(brokenPromises(snapshots, changed('"required":["host",', '"required":['))).toEqual([
      'a line (type summary, command snapshots).snapshots[].host may be missing',
    ]);
    expect(brokenPromises(snapshots, changed('"const":"summary"', '"const":"end"'))).toEqual([
      'a line: type summary, command snapshots is gone',
    ]);
  });
});

describe('a line', () => {
  it('is held to its schema, in both directions', () => {
    const recap = { ok: 1, changed: 0, skipped: 0, failed: 0, unreachable: 0 };
    const line = { type: 'host-end', host: 'web1', recap };
    expect(lineFault(JSON.stringify(line))).toBeUndefined();
    expect(lineFault(JSON.stringify({ ...line, more: 1 }))).toContain('more');
    expect(lineFault(JSON.stringify({ ...line, recap: undefined }))).toContain('recap');
    expect(lineFault('{"type":"summary","command":"unheard-of"}')).toContain('unheard-of');
    expect(lineFault('progress')).toContain('not JSON');
  });
});
