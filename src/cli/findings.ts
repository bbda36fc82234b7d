import { printable } from '../core/terminal-text.js';
import type { Finding } from '../operations/hosts/finding.js';

const MARK = { ok: 'ok', warning: 'warning', bad: 'BAD', skipped: 'skipped' } as const;
const WIDTH = 22;

/** Findings as lines: verdict, what was looked at, what was found; below it, how to mend it. */
export function findingLines(findings: readonly Finding[]): string {
  const width = Math.max(WIDTH, ...findings.map(({ check }) => check.length));
  return findings.flatMap((finding) => linesOf(finding, width)).join('\n');
}

function linesOf({ check, verdict, what, fix }: Finding, width: number): string[] {
  const line = `  ${MARK[verdict].padEnd(7)}  ${check.padEnd(width)}  ${onOneLine(what)}`;
  return fix === undefined
    ? [line]
    : [line, `${' '.repeat(9)}  ${' '.repeat(width)}  fix: ${onOneLine(fix)}`];
}

function onOneLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return printable(lines.filter((line) => line !== '').join(' '));
}
