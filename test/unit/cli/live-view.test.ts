import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { timeLeft } from '../../../src/cli/figures.js';
import { cut } from '../../../src/cli/live/cut.js';
import { endedLines, frameOf } from '../../../src/cli/live/frame.js';
import { LiveHosts } from '../../../src/cli/live/live-hosts.js';
import { type Style, styleOf } from '../../../src/cli/live/style.js';
import type { EngineEvent, TaskStatus } from '../../../src/engine/events.js';

const PLAIN: Style = { color: false, unicode: true };

function afterEvents(events: readonly EngineEvent[], step = 500): LiveHosts {
  const hosts = new LiveHosts();
  for (const [index, event] of events.entries()) hosts.take(event, index * step);
  return hosts;
}

const started = (host: string): EngineEvent => ({ type: 'host-start', host });
const begun = (host: string, task: string): EngineEvent => ({ type: 'task-start', host, task });
const ended = (host: string, task: string, status: TaskStatus = 'ok'): EngineEvent => ({
  type: 'task-end',
  host,
  task,
  status,
  milliseconds: 40,
});
const over = (host: string, failed = 0): EngineEvent => ({
  type: 'host-end',
  host,
  recap: { ok: 1, changed: 0, skipped: 0, failed, unreachable: 0 },
});

describe('the time that is left', () => {
  const task = 'pull the dump';
  const progress = (done: number, total = 100): EngineEvent => ({
    type: 'task-progress',
    host: 'web1',
    task,
    progress: { done, total },
  });
  const lastLine = (hosts: LiveHosts, now: number): string | undefined =>
    frameOf(hosts, { columns: 79, rows: 24 }, now, PLAIN).at(-1);

  it('is told when it has shown how fast it goes', () => {
    const hosts = new LiveHosts();
    hosts.take(started('web1'), 0);
    hosts.take(begun('web1', task), 0);
    hosts.take(progress(0), 0);
    hosts.take(progress(1), 500);
    expect(lastLine(hosts, 500)).toBe('  ⠼ pull the dump');
    for (let second = 1; second <= 10; second++) hosts.take(progress(second), second * 1000);
    expect(lastLine(hosts, 10_000)).toBe('  ⠸ pull the dump  about 2 min left  10.0 s');
    hosts.take(progress(80), 11_000);
    expect(lastLine(hosts, 11_000)).toMatch(/ a few seconds left {2}11\.0 s$/);
  });

  it('is not told of what stands still, nor of what is longer than was expected', () => {
    const hosts = new LiveHosts();
    hosts.take(started('web1'), 0);
    hosts.take(begun('web1', task), 0);
    for (let second = 0; second <= 10; second++) hosts.take(progress(second), second * 1000);
    expect(lastLine(hosts, 14_000)).toContain(' left');
    expect(lastLine(hosts, 16_000)).not.toContain(' left');
    hosts.take(progress(101), 17_000);
    expect(lastLine(hosts, 17_000)).not.toContain(' left');
  });

  it.each([
    [1000, 'a few seconds left'],
    [12_000, 'about 10 s left'],
    [50_000, 'about 50 s left'],
    [58_000, 'about 1 min left'],
    [150_000, 'about 3 min left'],
    [2 * 3_600_000, 'about 2 h left'],
  ])('of %d ms is "%s"', (milliseconds, text) => {
    expect(timeLeft(milliseconds)).toBe(text);
  });
});

describe('the live view', () => {
  it('shows a host, what it has done, and what it does now with size and speed', () => {
    const hosts = afterEvents([
      started('web1'),
      begun('web1', 'connect'),
      ended('web1', 'connect'),
      begun('web1', 'pull the dump'),
      { type: 'task-progress', host: 'web1', task: 'pull the dump', bytes: 0 },
      { type: 'task-progress', host: 'web1', task: 'pull the dump', bytes: 50 * 1024 * 1024 },
      { type: 'task-progress', host: 'web1', task: 'pull the dump', line: 'public.users' },
    ]);
    expect(frameOf(hosts, { columns: 79, rows: 24 }, 3500, PLAIN)).toEqual([
      'web1  3.50 s',
      '  ✔ connect',
      '  ⠏ pull the dump  50.0 MiB  100.0 MiB/s  2.00 s',
      '    public.users',
    ]);
  });

  it('gives every host its line in a low window, counts those that do not fit and those that are done', () => {
    const names = Array.from({ length: 12 }, (_, index) => `host${index}`);
    const hosts = afterEvents([
      ...names.flatMap((name) => [
        started(name),
        begun(name, 'connect'),
        ended(name, 'connect'),
        begun(name, 'pull'),
      ]),
      over('host0', 1),
    ]);
    const lines = frameOf(hosts, { columns: 40, rows: 10 }, 60_000, PLAIN);
    expect(lines).toHaveLength(9);
    expect(lines.filter((line) => /^ {2}\S host\d+ +pull {2}/u.test(line))).toHaveLength(7);
    expect(lines.at(-2)).toBe('and 4 more at work');
    expect(lines.at(-1)).toBe('1 host done, 1 failed');
  });

  it('never has more lines than the window has rows, nor a wider one, whatever hosts say', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 });
    const host = fc.record({ name: text, tasks: fc.array(text, { maxLength: 8 }), line: text });
    fc.assert(
      fc.property(
        fc.array(host, { maxLength: 14 }),
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 1, max: 60 }),
        fc.boolean(),
        (given, columns, rows, color) => {
          const hosts = afterEvents(
            given.flatMap(({ name, tasks, line }) => [
              started(name),
              ...tasks.flatMap((task) => [begun(name, task), ended(name, task, 'changed')]),
              begun(name, 'now'),
              { type: 'task-progress' as const, host: name, task: 'now', bytes: 1, line },
            ]),
          );
          const lines = frameOf(hosts, { columns, rows }, 1e6, { color, unicode: true });
          expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 1));
          // Nothing is cut below what a mark and a sign need.
          if (columns >= 8) for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });

  it('leaves an ended host on the screen with all its tasks, differences and warnings', () => {
    const hosts = new LiveHosts();
    const events: EngineEvent[] = [
      started('web1'),
      begun('web1', 'restore .env'),
      { type: 'warning', host: 'web1', message: 'look \u001b[31mhere' },
      {
        ...ended('web1', 'restore .env', 'changed'),
        note: 'put in place',
        diff: ['.env added A'],
      } as EngineEvent,
    ];
    for (const event of events) hosts.take(event, 0);
    const done = hosts.take(over('web1'), 61_000);
    if (done === undefined) throw new Error('the host has not ended');
    expect(endedLines(done, true, PLAIN)).toEqual([
      'web1  1 min 1 s',
      '  ● restore .env: put in place',
      '      .env added A',
      '  warning look \\x1b[31mhere',
    ]);
    expect(hosts.atWork).toEqual([]);
  });

  it('cuts by columns and not by letters', () => {
    expect(cut('héllo wörld', 6, PLAIN)).toBe('héllo…');
    expect(cut('日本語日本語', 7, PLAIN)).toBe('日本語…');
    expect(cut('short', 5, PLAIN)).toBe('short');
    expect(cut('short', 0, PLAIN)).toBe('');
  });

  it('heeds NO_COLOR and terminals without UTF-8', () => {
    expect(styleOf({ NO_COLOR: '1', LANG: 'en_GB.UTF-8' })).toEqual({ color: false, unicode: true });
    expect(styleOf({ LANG: 'C' })).toEqual({ color: true, unicode: false });
    const hosts = afterEvents([started('a'), begun('a', 'connect'), ended('a', 'connect', 'failed')]);
    const lines = frameOf(hosts, { columns: 60, rows: 9 }, 0, { color: false, unicode: false });
    expect([...lines.join('')].every((letter) => letter >= ' ' && letter <= '~')).toBe(true);
  });
});
