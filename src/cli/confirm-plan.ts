import { createInterface } from 'node:readline/promises';
import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import type { RestorePlan } from '../operations/restore/restore.js';
import { age } from './figures.js';
import type { Output } from './progress.js';

/** Shows the plan; on a terminal the host's name is typed, elsewhere `--yes` has to have been given. */
export async function confirmPlan(plan: RestorePlan, yes: boolean, output: Output): Promise<boolean> {
  for (const line of planLines(plan)) output.err(line);
  if (yes) return true;
  if (!process.stdin.isTTY) {
    throw new StateError({
      kind: 'usage',
      code: 'restore.needs-yes',
      what: plan.rollback ? 'A rollback has to be confirmed' : 'A restore has to be confirmed',
      why: 'there is no terminal to ask on',
      next: 'look at the plan above and add --yes',
      host: plan.host,
    });
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await prompt.question(`\nType the name of the host to go on: `)).trim() === plan.host;
  } finally {
    prompt.close();
  }
}

/** A plan as people read it: what goes where, the facts, what a part means, each step with what changes and why. */
export function planLines(plan: RestorePlan): string[] {
  const host = printable(plan.host);
  const taken = `${plan.createdAt}, ${age(Date.now() - Date.parse(plan.createdAt))} ago`;
  return [
    plan.rollback
      ? `\n${host} will be put back to what it was before its restore, from ${printable(plan.origin)} (${taken})`
      : `\n${host} will be restored from ${printable(plan.origin)} (${taken})`,
    ...(plan.snapshotHost === plan.host
      ? []
      : [`  this is the snapshot of another host: ${printable(plan.snapshotHost)}`]),
    ...(plan.rollback
      ? []
      : [
          plan.kind === 'bare'
            ? '  the target is bare'
            : '  a Coolify stands on the target: what it holds will be replaced',
        ]),
    ...[...plan.facts, ...plan.consistency].map((fact) => `  ${printable(fact)}`),
    ...plan.steps.flatMap(({ task, note, why }) => [
      `  - ${task}: ${printable(note ?? '')}`,
      ...(why === undefined ? [] : [`      why: ${printable(why)}`]),
    ]),
  ];
}
