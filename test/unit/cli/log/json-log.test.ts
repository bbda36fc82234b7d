import { describe, expect, it } from 'vitest';
import { logLine } from '../../../../src/cli/json/log-line.js';
import { JsonLog } from '../../../../src/cli/log/json-log.js';
import { logFormatOf } from '../../../../src/cli/log/log-format.js';
import { StateError } from '../../../../src/core/errors.js';
import { RUN_ID } from '../../../../src/core/run-id.js';
import type { EngineEvent } from '../../../../src/engine/events.js';

const NOW = new Date('2026-02-01T03:15:00.250Z');
const RECAP = { ok: 3, changed: 1, skipped: 0, failed: 1, unreachable: 0 };

const EVENTS: readonly EngineEvent[] = [
  { type: 'host-start', host: 'web1' },
  { type: 'task-start', host: 'web1', task: 'connect' },
  { type: 'task-progress', host: 'web1', task: 'connect', bytes: 100 },
  { type: 'task-progress', host: 'web1', task: 'connect', line: 'a line' },
  { type: 'task-progress', host: 'web1', task: 'connect', trace: 'a trace' },
  { type: 'task-end', host: 'web1', task: 'connect', status: 'ok', milliseconds: 12, diff: ['+ a'] },
  { type: 'task-end', host: 'web1', task: 'pull', status: 'failed', milliseconds: 9, note: 'no', bytes: 7 },
  { type: 'warning', host: 'web1', message: 'mind this' },
  { type: 'host-end', host: 'web1', recap: RECAP },
];

/** What is written, each line held to the published schema. */
function logged(tell: (log: JsonLog) => void, options = { verbose: 0, diff: false }) {
  const lines: string[] = [];
  tell(
    new JsonLog(
      (line) => lines.push(line),
      options,
      () => NOW,
    ),
  );
  return lines.map((line) => {
    expect(line).not.toContain('\n');
    return logLine.parse(JSON.parse(line));
  });
}

describe('the log as JSON', () => {
  it('has a line for each fact, with time, level, run, host and step', () => {
    const lines = logged((log) => EVENTS.forEach(log.emit));
    expect(lines.map(({ level, event }) => `${level} ${event}`)).toEqual([
      'info host-start',
      'info task-end',
      'error task-end',
      'warning warning',
      'error host-end',
    ]);
    expect(new Set(lines.map(({ time, run, host }) => `${time} ${run} ${host}`))).toEqual(
      new Set([`2026-02-01T03:15:00.250Z ${RUN_ID} web1`]),
    );
    expect(lines[2]).toMatchObject({
      task: 'pull',
      status: 'failed',
      milliseconds: 9,
      bytes: 7,
      message: 'no',
    });
    expect(lines[1]).toMatchObject({ task: 'connect', message: 'connect' });
    expect(lines[1]).not.toHaveProperty('diff');
    expect(lines[4]).toMatchObject({ recap: RECAP });
  });

  it('tells more when it is asked to: steps and what they say with -v, connections with -vv, differences with --diff', () => {
    const debug = (verbose: number) =>
      logged((log) => EVENTS.forEach(log.emit), { verbose, diff: true })
        .filter(({ level }) => level === 'debug')
        .map(({ message }) => message);
    expect(debug(1)).toEqual(['connect', 'a line']);
    expect(debug(2)).toEqual(['connect', 'a line', 'a trace']);
    const [, end] = logged((log) => EVENTS.forEach(log.emit), { verbose: 0, diff: true });
    expect(end).toMatchObject({ diff: ['+ a'] });
  });

  it('tells what became of a host: proofs, results, the error with its code and what to do', () => {
    const error = new StateError({
      kind: 'proof',
      code: 'a.code',
      what: 'Not so',
      next: 'look',
      host: 'web1',
    });
    const report = { host: 'web1', recap: RECAP, tasks: [], milliseconds: 1, error };
    const proofs = [
      { name: 'dump', ok: true, detail: 'read to its end' },
      { name: 'app-key', ok: false, detail: 'opens nothing' },
    ];
    const lines = logged((log) => {
      log.report(report, proofs, ['snapshot    3fa90c1b  1.2 MiB']);
      log.end(4, 1000);
    });
    expect(lines).toMatchObject([
      { level: 'info', event: 'proof', proof: 'dump', ok: true },
      { level: 'error', event: 'proof', proof: 'app-key', ok: false, message: 'opens nothing' },
      { level: 'info', event: 'result', message: 'snapshot 3fa90c1b 1.2 MiB', host: 'web1' },
      {
        level: 'error',
        event: 'error',
        host: 'web1',
        error: { kind: 'proof', code: 'a.code', next: 'look' },
      },
      { level: 'error', event: 'end', exitStatus: 4, milliseconds: 1000 },
    ]);
  });

  it('lets nothing that a host says write to a terminal', () => {
    const [line] = logged((log) =>
      log.emit({ type: 'warning', host: 'web1', message: '\u001b[2Jgone\u202e' }),
    );
    expect(line?.message).toBe('\\x1b[2Jgone\\u{202e}');
  });

  it('tells a warning of the command itself as one, and an empty line not at all', () => {
    const lines = logged((log) => {
      log.message('warning  the inventory has two of them');
      log.message('');
    });
    expect(lines).toMatchObject([
      { level: 'warning', event: 'warning', message: 'the inventory has two of them' },
    ]);
  });
});

describe('how the log is written', () => {
  it('is what the command line says, or else the environment, or else what suits', () => {
    expect(logFormatOf('plain', { COOLIFY_STATE_LOG: 'json' })).toBe('plain');
    expect(logFormatOf(undefined, { COOLIFY_STATE_LOG: 'json' })).toBe('json');
    expect(logFormatOf(undefined, { COOLIFY_STATE_LOG: '' })).toBeUndefined();
    expect(logFormatOf(undefined, {})).toBeUndefined();
    expect(() => logFormatOf(undefined, { COOLIFY_STATE_LOG: 'yaml' })).toThrow('takes "plain" or "json"');
  });
});
