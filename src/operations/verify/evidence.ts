import { basename } from 'node:path';
import { type AllowedSigner, believed, parseAllowedSigners } from '../../archive/allowed-signers.js';
import { readKeyFile } from '../../archive/key-file.js';
import { checkSignature } from '../../archive/ssh-signature.js';
import { asStateError, StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { EventSink } from '../../engine/events.js';
import { type HostReport, runTasks } from '../../engine/run-host.js';
import { runHosts } from '../../engine/run-hosts.js';
import { readTask, type TaskReporter } from '../../engine/task.js';
import type { Repository } from '../../repository/repository.js';
import { basicTime, parseDrillKey } from '../../repository/snapshots/names.js';
import type { DescribedSnapshot } from '../../repository/snapshots/snapshots.js';
import { EVIDENCE_LIMIT, EVIDENCE_NAMESPACE, type Evidence, parseEvidence } from '../drill/evidence.js';
import type { HostConfig } from '../hosts/host-config.js';
import { noRepository } from '../snapshots/source.js';
import { lookUp, type StoredChoice } from './selection.js';

export interface VerifyEvidenceOptions {
  readonly from: StoredChoice;
  readonly forks: number;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

/** What came out for one record. */
export interface CheckedEvidence {
  /** Of the snapshot that it is about. */
  readonly id: string;
  /** Location of the repository, and the key of the record. */
  readonly where: string;
  readonly key: string;
  /** When the drill began, as the name of the record says. */
  readonly at: string;
  readonly outcome?: Evidence['outcome'];
  /** Who has signed it, and with which key. */
  readonly signer?: { readonly principals: string; readonly fingerprint: string };
  /** Why it does not count. */
  readonly error?: StateError;
}

export interface EvidenceReport extends HostReport {
  readonly evidence: readonly CheckedEvidence[];
}

/**
 * Checks the evidence of drills: that it is signed by somebody who is believed, that nothing in it was changed, and that it is
 * about just the bytes that the sidecar beside it describes. What the drill came to is no matter here: a failed one is
 * as genuine.
 */
export async function verifyEvidence(
  hosts: readonly HostConfig[],
  options: VerifyEvidenceOptions,
): Promise<EvidenceReport[]> {
  return await runHosts(hosts, options.forks, (host) => checkHost(host, options));
}

async function checkHost(config: HostConfig, options: VerifyEvidenceOptions): Promise<EvidenceReport> {
  const { signal, emit } = options;
  const evidence: CheckedEvidence[] = [];
  const signers: AllowedSigner[] = [];
  const report = await runTasks(
    config.name,
    [
      readTask('read whose signatures count', async () => {
        signers.push(...(await signersOf(config)));
        return signers.map(({ principals, fingerprint }) => `${principals} ${fingerprint}`.trim()).join(', ');
      }),
      readTask('check the evidence of drills', async (_context, reporter) => {
        if (config.repositories.length === 0) throw noRepository(config.name);
        for (const settings of config.repositories) {
          const place = await lookUp(settings, config.name, options.from, reporter.signal);
          try {
            for (const { snapshot, error } of place.found) {
              if (snapshot === undefined) throw error;
              evidence.push(...(await checkSnapshot(place.repository, snapshot, signers, reporter)));
            }
          } finally {
            await place.repository.close();
          }
        }
        const bad = evidence.find(({ error }) => error !== undefined);
        if (bad?.error !== undefined) throw bad.error;
        if (evidence.length === 0) throw noEvidence(config.name);
        return `${evidence.length} records are genuine`;
      }),
    ],
    undefined,
    { check: false, signal, emit },
  );
  return { ...report, evidence };
}

async function signersOf({
  name,
  drill: { evidenceSignersPath: path },
}: HostConfig): Promise<AllowedSigner[]> {
  if (path !== undefined) return parseAllowedSigners(await readKeyFile(path), path);
  throw new StateError({
    kind: 'usage',
    code: 'evidence.no-signers',
    what: `Nobody's signatures are believed for ${name}`,
    why: 'coolify_evidence_signers_path is not set',
    next: 'set it to the public key of whoever drills, or to a file of allowed signers',
    host: name,
  });
}

async function checkSnapshot(
  repository: Repository,
  snapshot: DescribedSnapshot,
  signers: readonly AllowedSigner[],
  { signal }: TaskReporter,
): Promise<CheckedEvidence[]> {
  const checks: CheckedEvidence[] = [];
  for (const key of snapshot.drills ?? []) {
    const at = parseDrillKey(key)?.at ?? snapshot.createdAt;
    const facts = { id: snapshot.id, where: repository.location, key, at: at.toISOString() };
    let outcome: Evidence['outcome'] | undefined;
    try {
      const content = await repository.getSmall(key, EVIDENCE_LIMIT, { signal });
      const signature = await signatureOf(repository, key, signal);
      const evidence = parseEvidence(key, content);
      outcome = evidence.outcome;
      const signer = requireGenuine({ key, content, signature, evidence, snapshot, signers });
      checks.push({ ...facts, outcome, signer });
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asStateError(thrown, `${key} could not be checked`);
      if (error.kind !== 'proof') throw error;
      checks.push({ ...facts, ...(outcome !== undefined && { outcome }), error });
    }
  }
  return checks;
}

/** A record and all that it is held against. */
export interface EvidenceSubject {
  readonly key: string;
  readonly content: Buffer;
  readonly signature: string | undefined;
  readonly evidence: Evidence;
  readonly snapshot: DescribedSnapshot;
  readonly signers: readonly AllowedSigner[];
}

/** @throws StateError of kind `proof`: `evidence.*`, `signature.*` */
export function requireGenuine({
  key,
  content,
  signature,
  evidence,
  snapshot,
  signers,
}: EvidenceSubject): NonNullable<CheckedEvidence['signer']> {
  if (signature === undefined) throw doubtful(key, 'unsigned', 'it has no signature');
  const { fingerprint } = checkSignature(signature, content, EVIDENCE_NAMESPACE);
  const signer = believed(signers, fingerprint, EVIDENCE_NAMESPACE, new Date(evidence.finishedAt));
  if ('why' in signer) throw doubtful(key, 'not-believed', signer.why);
  const disagreement = disagreementOf(key, evidence, snapshot);
  if (disagreement !== undefined) throw doubtful(key, 'other-snapshot', disagreement);
  return { principals: printable(signer.principals), fingerprint };
}

/** Good evidence of one snapshot must not stand beside another, nor old evidence under the name of a new one. */
function disagreementOf(
  key: string,
  { snapshot: said, startedAt, outcome }: Evidence,
  snapshot: DescribedSnapshot,
): string | undefined {
  if (said.host !== snapshot.host || said.object !== basename(snapshot.key) || said.id !== snapshot.id)
    return `it is about ${said.object} of ${said.host}`;
  const name = parseDrillKey(key);
  if (name === undefined || basicTime(name.at) !== basicTime(new Date(startedAt)))
    return `it is about a drill of ${startedAt}`;
  if (snapshot.sidecar === undefined) return `the sidecar cannot be relied on: ${snapshot.problem.message}`;
  if (said.sha256 !== snapshot.sidecar.sha256)
    return `it is about bytes with SHA-256 ${said.sha256}, the sidecar describes ${snapshot.sidecar.sha256}`;
  if (outcome !== 'failed' && !said.read)
    return 'it says that all went well, but not that the bytes were read';
  return undefined;
}

async function signatureOf(
  repository: Repository,
  key: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return (await repository.getSmall(`${key}.sig`, EVIDENCE_LIMIT, { signal })).toString('latin1');
  } catch (error) {
    if (error instanceof StateError && error.code === 'repository.not-found') return undefined;
    throw error;
  }
}

function doubtful(
  key: string,
  problem: 'unsigned' | 'not-believed' | 'other-snapshot',
  why: string,
): StateError {
  return new StateError({
    kind: 'proof',
    code: `evidence.${problem}`,
    what: `The evidence ${key} does not count`,
    why,
    next: 'drill the snapshot again with a key that is believed: coolify_evidence_key_path, coolify_evidence_signers_path',
  });
}

function noEvidence(host: string): StateError {
  return new StateError({
    kind: 'failed',
    code: 'evidence.none',
    what: `No drill has left evidence beside the snapshots of ${host}`,
    next: `coolify-state drill ${host}`,
    host,
  });
}
