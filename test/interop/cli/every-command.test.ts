import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fullDefinition } from '../../../src/cli/commands.js';
import { JSON_LINES, lineFault } from '../../../src/cli/json/lines.js';
import { recordedCommands } from '../../../src/cli/reference/recorded-commands.js';
import { ONLINE_CASES } from '../../e2e/online-cases.js';
import { CASES, type Case, HOST_CASES } from './cases.js';
import { openPlace, type Place } from './place.js';
import { type Outcome, wholeProgram } from './whole-program.js';

const commands = recordedCommands(await fullDefinition());
const names = commands.map(({ name }) => name);
const all = [...CASES, ...HOST_CASES];
const SAMPLE: Place = {
  host: 'HOST',
  at: (name) => name,
  options: () => [],
  remove: () => Promise.resolve(),
};
const titled = all.map((one): [string, Case] => [
  `${one.args(SAMPLE).join(' ')}: ${one.status} ${one.code ?? ''}`,
  one,
]);

/** What is not in a table, and why. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['completion: failure', 'it only prints'],
  ['host-policy: failure', 'it only prints'],
  ['inventory: failure', 'what can be wrong is the inventory, which is wrong usage'],
  ['schedule: failure', 'it takes a machine whose systemd refuses; test/interop/schedule'],
  ['drill: success', 'test/e2e/drill.test.ts'],
  ['import: success', 'test/interop/operations, with archives of the replaced role'],
]);

let place: Place;
beforeAll(async () => {
  place = await openPlace();
});
afterAll(() => place.remove());

describe('every command', () => {
  it('is in the table of what it comes to', () => {
    const tried = new Set(all.map(({ args }) => args(SAMPLE)[0]));
    expect(names.filter((name) => !tried.has(name))).toEqual([]);
  });

  it('is in it with success, a failure and wrong usage, here or on a host', () => {
    const statuses = new Map<string, Set<'success' | 'failure' | 'usage'>>();
    for (const { args, status } of [
      ...all,
      ...ONLINE_CASES.map((one) => ({ ...one, args: () => one.args })),
    ]) {
      const [name = ''] = args(SAMPLE);
      const seen = statuses.get(name) ?? new Set();
      statuses.set(name, seen.add(status === 0 ? 'success' : status === 2 ? 'usage' : 'failure'));
    }
    const lacking = names.flatMap((name) =>
      (['success', 'failure', 'usage'] as const)
        .filter((kind) => statuses.get(name)?.has(kind) !== true)
        .map((kind) => `${name}: ${kind}`),
    );
    expect(lacking.sort()).toEqual([...ELSEWHERE.keys()].sort());
  });

  it.each(titled)('%s', async (_title, { args, status, code, isText }) => {
    const text = await wholeProgram(args(place));
    expect(text.status, text.stderr).toBe(status);
    // Findings have no codes for people.
    const [command] = args(place);
    if (code !== undefined && command !== 'doctor')
      expect(text.stdout + text.stderr).toContain(`code: ${code}`);
    if (isText === true) return;
    const json = await wholeProgram([...args(place), '--json']);
    expect(json.status).toBe(status);
    const lines = linesOf(json);
    expect(lines.flatMap((line) => lineFault(line) ?? [])).toEqual([]);
    const last = resultSchema.parse(JSON.parse(lines.at(-1) ?? ''));
    if (last.type === 'summary') expect(last.command).toBe(command);
    else expect(last.type).toBe('error');
    if (code !== undefined) expect(lines.at(-1)).toContain(`"code":"${code}"`);
    expect(json.stderr).not.toMatch(/^error/m);
  });

  it.each(names)('%s tells what it is for, with two or three examples', async (name) => {
    const { status, stdout, stderr } = await wholeProgram([name, '--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { examples = [], describe: said = '' } = commands.find((one) => one.name === name) ?? {};
    expect(stdout.replace(/\s+/g, ' ')).toContain(said.replace(/\s+/g, ' '));
    expect(stdout).toContain('Examples:');
    expect(examples.length).toBeGreaterThanOrEqual(2);
  });

  it.each(names)('%s refuses an option that it does not know, as text and as JSON', async (name) => {
    const text = await wholeProgram([name, '--unheard-of']);
    expect(text).toMatchObject({ status: 2, stdout: '' });
    expect(text.stderr).toMatch(/code: cli\.usage/);
    expect(text.stderr).not.toMatch(/^\s+at /m);
    const json = await wholeProgram([name, '--unheard-of', '--json']);
    expect(json).toMatchObject({ status: 2, stderr: '' });
    expect(linesOf(json).map((line) => lineFault(line))).toEqual([undefined]);
    expect(json.stdout).toContain('"code":"cli.usage"');
  });

  it('has a schema when it has --json', () => {
    const withJson = commands.filter(({ options }) => options.some(({ name }) => name === 'json'));
    expect(withJson.map(({ name }) => name).sort()).toEqual([...JSON_LINES.keys()].sort());
  });
});

const resultSchema = z.looseObject({ type: z.string(), command: z.string().optional() });

function linesOf({ stdout }: Outcome): string[] {
  return stdout.split('\n').slice(0, -1);
}
