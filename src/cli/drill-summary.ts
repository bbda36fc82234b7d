import { appendFile } from 'node:fs/promises';
import { showDuration } from '../core/duration.js';
import { printable } from '../core/terminal-text.js';
import type { DrillReport } from '../operations/drill/drill.js';
import type { Evidence } from '../operations/drill/evidence.js';
import type { Proof } from '../state/manifest.js';

/** Appends what became of drills to a file, for the page of a CI job. */
export async function appendSummary(path: string, reports: readonly DrillReport[]): Promise<void> {
  await appendFile(path, drillSummary(reports));
}

/** Drills in Markdown: a table of what matters, then the proofs of each. */
export function drillSummary(reports: readonly DrillReport[]): string {
  const head = [
    '## Restore drills',
    '',
    '| host | outcome | snapshot | recovery | data | evidence |',
    '| --- | --- | --- | --- | --- | --- |',
  ];
  return `${[...head, ...reports.map(rowOf), '', ...reports.flatMap(detailsOf)].join('\n')}\n`;
}

const OUTCOME: Readonly<Record<Evidence['outcome'], string>> = {
  passed: 'passed',
  late: '**LATE**',
  failed: '**FAILED**',
};

function rowOf({ host, error, evidence, stored, evidencePath }: DrillReport): string {
  const cells =
    evidence === undefined
      ? [error === undefined ? '' : '**NOT CARRIED OUT**', '', '', '', '']
      : [
          OUTCOME[error === undefined || evidence.outcome === 'late' ? evidence.outcome : 'failed'],
          `${evidence.snapshot.id} of ${evidence.snapshot.createdAt.slice(0, 16)}Z`,
          evidence.recovery === undefined ? '' : figureOf(evidence.recovery),
          `${figureOf(evidence.dataAge)} old`,
          stored[0] === undefined ? (evidencePath === undefined ? 'none' : 'on this machine') : 'stored',
        ];
  return `| ${[host, ...cells].map(cell).join(' | ')} |`;
}

function detailsOf({ host, error, evidence, proofs }: DrillReport): string[] {
  const failed = error === undefined ? [] : [`**${text(error.message)}**`, ''];
  const about = evidence === undefined ? [] : [...factsOf(evidence), ''];
  const groups: readonly (readonly [string, readonly Proof[]])[] =
    evidence === undefined
      ? [['', proofs]]
      : [
          ['cut off', evidence.isolation.before],
          ['snapshot', evidence.proofs.snapshot],
          ['restored', evidence.proofs.restored],
          ['cut off, at the end', evidence.isolation.after],
        ];
  return [
    `<details><summary>${text(host)}</summary>`,
    '',
    ...failed,
    ...about,
    '| | proof | | |',
    '| --- | --- | --- | --- |',
    ...groups.flatMap(([group, members]) =>
      members.map(
        ({ name, ok, detail }) =>
          `| ${group} | ${cell(name)} | ${ok ? 'proven' : '**FAILED**'} | ${cell(detail)} |`,
      ),
    ),
    '',
    '</details>',
    '',
  ];
}

function factsOf({ snapshot, isolation, apart, target }: Evidence): string[] {
  const parts = [
    `Ciphertext SHA-256 \`${snapshot.sha256}\`, ${snapshot.size} bytes.`,
    isolation.guaranteed
      ? 'The host could reach nobody: proven before anything secret was copied there, and again at the end.'
      : 'It was **not** made sure that the host could reach nobody.',
    `Restored onto ${target.kind === 'container' ? 'a throwaway container' : text(target.name)}, which was ${target.began}.`,
    ...(apart.installation === undefined
      ? []
      : [`Installing Coolify took ${showDuration(apart.installation)} more, within this drill.`]),
    ...(apart.preparation === undefined
      ? []
      : [`Installing Coolify took ${showDuration(apart.preparation)} when the host was prepared.`]),
  ];
  return [parts.join(' ')];
}

function figureOf({ seconds, limitSeconds, ok }: Evidence['dataAge']): string {
  const limit = limitSeconds === undefined ? '' : ` (${showDuration(limitSeconds)} allowed)`;
  return `${ok ? '' : '**'}${showDuration(seconds)}${ok ? '' : '**'}${limit}`;
}

/** Text that could come from a host: no table, tag or link of its own. */
function cell(value: string): string {
  return text(value).replaceAll('|', '\\|');
}

function text(value: string): string {
  return printable(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('[', '\\[');
}
