import { printable } from '../../core/terminal-text.js';
import type { TaskOutcome } from '../../engine/events.js';
import { bytes, duration } from '../figures.js';
import type { EndedHost, LiveHost, LiveHosts, RunningTask } from './live-hosts.js';
import { cut, markOf, type Style, spinnerAt, tinted } from './style.js';

export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

/**
 * The hosts at work as lines for the bottom of a terminal: never more lines than it has rows, never a line wider than
 * it. Every host gets what it is doing now; what room is left shows its last words, and then what it has done.
 */
export function frameOf(hosts: LiveHosts, { columns, rows }: FrameSize, now: number, style: Style): string[] {
  const room = Math.max(1, rows - 1);
  const { atWork, ended, failed } = hosts;
  const footer = ended === 0 ? [] : [footerOf(ended, failed, columns, style)];
  let left = room - footer.length;
  const shown: LiveHost[] = [];
  for (const host of atWork) {
    const more = atWork.length - shown.length - 1;
    if (left < 2 + (more > 0 ? 1 : 0)) break;
    left -= 2;
    shown.push(host);
  }
  const hidden = atWork.length - shown.length;
  if (hidden > 0) left -= 1;
  const withWords = shown.filter(({ running }) => running?.line !== undefined).slice(0, Math.max(0, left));
  left -= withWords.length;
  const extra = shown.length === 0 ? 0 : Math.max(0, Math.floor(left / shown.length));
  return [
    ...shown.flatMap((host) => [
      headOf(host, now, columns, style),
      ...(extra === 0 ? [] : host.done.slice(-extra)).map((task) => doneLine(task, columns, style)),
      runningLine(host.running, now, columns, style),
      ...(withWords.includes(host) ? [wordsOf(host.running, columns, style)] : []),
    ]),
    ...(hidden > 0 ? [tinted(cut(`and ${hidden} more at work`, columns, style), 'faint', style)] : []),
    ...footer,
  ].slice(0, room);
}

/** A host that has ended, as it stays on the screen. Lines may be wider than the terminal. */
export function endedLines(ended: EndedHost, showDiff: boolean, style: Style): string[] {
  const { host, done, warnings, since, until } = ended;
  return [
    `${tinted(printable(host), 'strong', style)}  ${duration(until - since)}`,
    ...done.flatMap((task) => [
      `  ${markOf(task.status, style)} ${taskText(task)}`,
      ...(showDiff ? (task.diff ?? []).map((line) => `      ${printable(line)}`) : []),
    ]),
    ...warnings.map((text) => `  ${tinted('warning', 'change', style)} ${printable(text)}`),
  ];
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

function runningLine(running: RunningTask | undefined, now: number, columns: number, style: Style): string {
  if (running === undefined) return cut('  ...', columns, style);
  const { name, since, bytes: moved, speed } = running;
  const facts = [
    ...(moved === undefined ? [] : [bytes(moved)]),
    ...(speed === undefined ? [] : [`${bytes(Math.max(0, Math.round(speed)))}/s`]),
    ...(now - since > 1000 ? [duration(now - since)] : []),
  ];
  return cut(`  ${spinnerAt(now, style)} ${[name, ...facts].join('  ')}`, columns, style);
}

function wordsOf(running: RunningTask | undefined, columns: number, style: Style): string {
  return tinted(cut(`    ${printable(running?.line ?? '')}`, columns, style), 'faint', style);
}

function footerOf(ended: number, failed: number, columns: number, style: Style): string {
  const text = `${ended} ${ended === 1 ? 'host' : 'hosts'} done${failed > 0 ? `, ${failed} failed` : ''}`;
  return tinted(cut(text, columns, style), failed > 0 ? 'bad' : 'faint', style);
}
