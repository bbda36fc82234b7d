import stringWidth from 'string-width';
import { printable } from '../../core/terminal-text.js';
import type { TaskOutcome } from '../../engine/events.js';
import { bytes, duration, timeLeft } from '../figures.js';
import { cut } from './cut.js';
import type { EndedHost, LiveHost, LiveHosts } from './live-hosts.js';
import type { RunningTask } from './running-task.js';
import { markOf, type Style, spinnerAt, tinted } from './style.js';

export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

/**
 * The hosts at work as lines for the bottom of a terminal: never more lines than it has rows, never a line wider than
 * it. Every host gets what it is doing now; what room is left shows its last words, and then what it has done. Where there
 * is too little room for that, a host is one line.
 */
export function frameOf(hosts: LiveHosts, { columns, rows }: FrameSize, now: number, style: Style): string[] {
  const room = Math.max(1, rows - 1);
  const { atWork, ended, failed } = hosts;
  const footer = ended === 0 ? [] : [footerOf(ended, failed, columns, style)];
  const left = room - footer.length;
  const lines =
    atWork.length * 2 > left
      ? compactLines(atWork, { columns, rows: left }, now, style)
      : treeLines(atWork, { columns, rows: left }, now, style);
  return [...lines, ...footer].slice(0, room);
}

function treeLines(
  hosts: readonly LiveHost[],
  { columns, rows }: FrameSize,
  now: number,
  style: Style,
): string[] {
  let left = rows - hosts.length * 2;
  const withWords = hosts.filter(({ running }) => running?.line !== undefined).slice(0, left);
  left -= withWords.length;
  const extra = hosts.length === 0 ? 0 : Math.floor(left / hosts.length);
  return hosts.flatMap((host) => [
    headOf(host, now, columns, style),
    ...(extra === 0 ? [] : host.done.slice(-extra)).map((task) => doneLine(task, columns, style)),
    runningLine(host.running, '', now, columns, style),
    ...(withWords.includes(host) ? [wordsOf(host.running, columns, style)] : []),
  ]);
}

function compactLines(
  hosts: readonly LiveHost[],
  { columns, rows }: FrameSize,
  now: number,
  style: Style,
): string[] {
  const shown = hosts.length <= rows ? hosts : hosts.slice(0, Math.max(0, rows - 1));
  const hidden = hosts.length - shown.length;
  const names = shown.map(({ host }) => cut(printable(host), Math.max(8, Math.floor(columns / 3)), style));
  const widest = Math.max(0, ...names.map((name) => stringWidth(name)));
  return [
    ...shown.map(({ running }, index) => {
      const name = names[index] ?? '';
      const padded = name + ' '.repeat(widest - stringWidth(name));
      return runningLine(running, `${padded}  `, now, columns, style);
    }),
    ...(hidden > 0 ? [tinted(cut(`and ${hidden} more at work`, columns, style), 'faint', style)] : []),
  ];
}

/** So many columns of a task's name are worth more than figures. */
const LEAST_NAME = 16;

/** A host that has ended, as it stays on the screen. Lines may be wider than the terminal. */
export function endedLines(ended: EndedHost, showDiff: boolean, style: Style): string[] {
  const { host, done, warnings, since, until } = ended;
  return [
    `${tinted(printable(host), 'strong', style)}  ${duration(until - since)}`,
    ...done.flatMap((task) => [
      `  ${markOf(task.status, style)} ${isBad(task) ? cut(taskText(task), FAILURE_WIDTH, style) : taskText(task)}`,
      ...(showDiff ? (task.diff ?? []).map((line) => `      ${printable(line)}`) : []),
    ]),
    ...warnings.map((text) => `  ${tinted('warning', 'change', style)} ${printable(text)}`),
  ];
}

/** The whole of it is told at the end of the run. */
const FAILURE_WIDTH = 160;

function isBad({ status }: TaskOutcome): boolean {
  return status === 'failed' || status === 'unreachable';
}

/** What was done, its size and its time, in one line without a mark. */
function taskText({ task, note, bytes: moved, milliseconds }: TaskOutcome): string {
  return [
    note === undefined || note === task ? task : `${task}: ${printable(note)}`,
    ...(moved === undefined ? [] : [bytes(moved)]),
    ...(milliseconds > 1000 ? [duration(milliseconds)] : []),
  ].join(', ');
}

function headOf({ host, since, warnings }: LiveHost, now: number, columns: number, style: Style): string {
  const told =
    warnings.length === 0 ? '' : `  ${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'}`;
  const text = `${printable(host)}  ${duration(now - since)}${told}`;
  return tinted(cut(text, columns, style), 'strong', style);
}

function doneLine(task: TaskOutcome, columns: number, style: Style): string {
  const mark = markOf(task.status, style);
  // The mark is as wide as its text without color.
  const width = markOf(task.status, { ...style, color: false }).length;
  return `  ${mark} ${cut(taskText(task), columns - 3 - width, style)}`;
}

/** Its name, how much has come how fast, what time is left and was spent: the more the wider the window is. */
function runningLine(
  running: RunningTask | undefined,
  host: string,
  now: number,
  columns: number,
  style: Style,
): string {
  if (running === undefined) return cut(`  ${host}...`, columns, style);
  const { name, since, bytes: moved } = running;
  const speed = running.speed(now);
  const left = running.left(now);
  const size = moved === undefined ? [] : [bytes(moved)];
  const pace = speed === undefined ? [] : [`${bytes(Math.max(0, Math.round(speed)))}/s`];
  const rest = left === undefined ? [] : [timeLeft(left)];
  const spent = now - since > 1000 ? [duration(now - since)] : [];
  const start = `  ${spinnerAt(now, style)} ${host}`;
  const room = columns - stringWidth(start);
  const whole = stringWidth(name);
  const least = Math.min(whole, LEAST_NAME);
  const ways = [
    { parts: [...size, ...pace, ...rest, ...spent], wanted: whole },
    { parts: [...size, ...pace, ...rest], wanted: least },
    { parts: [...size, ...rest], wanted: least },
    { parts: rest, wanted: least },
    { parts: size, wanted: least },
  ];
  const told =
    ways
      .map(({ parts, wanted }) => ({ text: parts.map((part) => `  ${part}`).join(''), wanted }))
      .find(({ text, wanted }) => room - text.length >= wanted)?.text ?? '';
  return cut(`${start}${cut(name, room - told.length, style)}${told}`, columns, style);
}

function wordsOf(running: RunningTask | undefined, columns: number, style: Style): string {
  return tinted(cut(`    ${printable(running?.line ?? '')}`, columns, style), 'faint', style);
}

function footerOf(ended: number, failed: number, columns: number, style: Style): string {
  const text = `${ended} ${ended === 1 ? 'host' : 'hosts'} done${failed > 0 ? `, ${failed} failed` : ''}`;
  return tinted(cut(text, columns, style), failed > 0 ? 'bad' : 'faint', style);
}
