import { randomBytes } from 'node:crypto';
import type { KeyRing } from '../../coolify/app-key.js';
import { ARTIFACTS } from '../../coolify/artifacts.js';
import type { DumpEvidence } from '../../coolify/database/dump-evidence.js';
import { judge, type Verdict } from '../../coolify/proofs.js';
import { Pull } from '../../coolify/pull.js';
import type { TaskReporter } from '../../engine/task.js';
import type { Staging } from '../../state/generations.js';
import type { Manifest } from '../../state/manifest.js';
import { TOOL } from '../../tool.js';
import type { HostConfig } from '../hosts/host-config.js';
import type { HostSession } from '../hosts/host-session.js';
import { instanceFrom } from './run.js';

/** What stands on a host at this moment, pulled into a staging folder, and the manifest that would describe it. */
export interface LiveState {
  readonly manifest: Manifest;
  readonly verdict: Verdict;
  readonly dump: DumpEvidence;
  readonly ring: KeyRing;
}

/**
 * Pulls every artifact of a host and judges it, as a backup does, but keeps nothing: what becomes of the staging folder
 * is up to the caller. That a proof fails is told in the verdict and is no error here.
 * @param prefix of the id, such as `safety-`
 */
export async function pullLive(
  { connection, facts }: HostSession,
  config: HostConfig,
  staging: Staging,
  prefix: string,
  reporter: TaskReporter,
): Promise<LiveState> {
  const pull = new Pull(connection, config.layout, facts, config, staging);
  for (const artifact of ARTIFACTS) await artifact.pull(pull, reporter);
  const ring = pull.need('ring');
  const dump = pull.need('dump');
  const verdict = judge({
    ring,
    dump,
    rowCounts: pull.need('rowCounts'),
    keyFiles: pull.need('keyFiles'),
    authorizedKeys: pull.gathered.authorizedKeys,
  });
  const createdAt = new Date().toISOString();
  const time = createdAt.replace(/\.\d+/, '').replace(/[-:]/g, '');
  return {
    verdict,
    dump,
    ring,
    manifest: {
      format: 1,
      id: `${prefix}${time}-${randomBytes(3).toString('hex')}`,
      host: config.name,
      createdAt,
      tool: TOOL,
      files: [...pull.files].sort((a, b) => (a.path < b.path ? -1 : 1)),
      proofs: [...verdict.proofs],
      instance: instanceFrom(pull, verdict.keys),
    },
  };
}
