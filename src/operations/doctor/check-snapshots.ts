import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { Repository } from '../../repository/repository.js';
import { hostPrefix } from '../../repository/snapshots/names.js';
import { SnapshotRepository } from '../../repository/snapshots/snapshots.js';
import { bad, type Finding, fine, looking, warning } from '../hosts/finding.js';

const HOUR_MS = 3_600_000;
/** A snapshot older than this was not taken last night. */
const OLD_MS = 48 * HOUR_MS;
/** What is younger may be a run at work. */
const LEFT_MS = 24 * HOUR_MS;

/** What a repository holds of a host: how old the newest snapshot is, and what does not belong there. */
export function checkSnapshots(
  repository: Repository,
  host: string,
  signal: AbortSignal,
  now: Date = new Date(),
): Promise<readonly Finding[]> {
  return looking('repository.snapshots', signal, async () => {
    const snapshots = new SnapshotRepository(repository);
    const all = await snapshots.list(host, { signal });
    const [newest] = all;
    const findings: Finding[] = [];
    if (newest === undefined) {
      findings.push(
        warning(
          'repository.snapshots',
          `no snapshot of it is in ${repository.location} yet`,
          'coolify-state backup',
        ),
      );
    } else {
      const { sidecar, problem, id } = await snapshots.describe(newest, { signal });
      if (problem !== undefined) findings.push(bad('repository.snapshots', problem));
      else findings.push(newestFinding(id, sidecar, all.length, now));
    }
    const left = await snapshots.leftovers(new Date(now.getTime() - LEFT_MS), host, { signal });
    if (left.length > 0) {
      findings.push(
        warning(
          'repository.leftovers',
          `${left.length} uploads were broken off and left behind`,
          'coolify-state prune removes them',
        ),
      );
    }
    return [...findings, ...(await legacyFindings(repository, host, signal))];
  });
}

function newestFinding(
  id: string,
  {
    createdAt,
    proofs,
  }: {
    readonly createdAt: Date;
    readonly proofs: readonly { readonly name: string; readonly ok: boolean }[];
  },
  count: number,
  now: Date,
): Finding {
  const failed = proofs.filter(({ ok }) => !ok).map(({ name }) => printable(name));
  if (failed.length > 0) {
    return bad(
      'repository.snapshots',
      new StateError({
        kind: 'proof',
        code: 'doctor.unproven-snapshot',
        what: `The newest snapshot ${id} was not proven (${failed.join(', ')})`,
        next: 'coolify-state backup, or restore an older one',
      }),
    );
  }
  const hours = Math.floor((now.getTime() - createdAt.getTime()) / HOUR_MS);
  const text = `${count} there, the newest (${id}) is ${hours} h old`;
  if (now.getTime() - createdAt.getTime() <= OLD_MS) return fine('repository.snapshots', text);
  return warning(
    'repository.snapshots',
    text,
    'coolify-state backup; "coolify-state schedule" makes a timer for it',
  );
}

/** The archives of the replaced Ansible role can be opened by anybody who has them. */
async function legacyFindings(repository: Repository, host: string, signal: AbortSignal): Promise<Finding[]> {
  let count = 0;
  for await (const { key } of repository.list(hostPrefix(host), { signal })) {
    if (key.endsWith('.tar.gz.enc')) count++;
  }
  if (count === 0) return [];
  return [
    warning(
      'repository.legacy',
      `${count} archives of the Ansible role are there, whose password is the same for every OpenSSH key: anybody can open them`,
      'remove them, and rotate the secrets in them (docs/coming-from-ansible.md)',
    ),
  ];
}
