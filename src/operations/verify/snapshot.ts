import { createHash } from 'node:crypto';
import { failedProofs } from '../../coolify/proofs.js';
import { openSource } from '../../coolify/restore/target.js';
import { asStateError, StateError } from '../../core/errors.js';
import { outOf, type TaskReporter } from '../../engine/task.js';
import { readSmall } from '../../repository/read-small.js';
import { sidecarKey } from '../../repository/snapshots/names.js';
import { parseSidecar, SIDECAR_LIMIT } from '../../repository/snapshots/sidecar.js';
import type { DescribedSnapshot, GoodSnapshot } from '../../repository/snapshots/snapshots.js';
import type { Generation, Generations } from '../../state/generations.js';
import type { Proof } from '../../state/manifest.js';
import { limitsOf } from '../backup/archive-limits.js';
import { withRecipients } from '../hosts/identity-reader.js';
import { type OpenedSnapshot, type SnapshotKeys, unpackSnapshot } from '../snapshots/unpack-snapshot.js';
import { proveSource, unprovenSnapshot } from './generation.js';
import type { FoundSnapshot, VerifyPlace } from './selection.js';

/** What came out for one snapshot in one place. */
export interface VerifiedSnapshot {
  /** Of the snapshot; what was asked for where there is none. */
  readonly id: string;
  /** Location of the repository, a folder, or a file. */
  readonly where: string;
  readonly createdAt: string | undefined;
  /** Bytes, as stored. */
  readonly size: number | undefined;
  /** `stored`: size and checksum of the encrypted object; `data`: everything in it. */
  readonly checked: 'stored' | 'data';
  readonly proofs: readonly Proof[];
  /** What is wrong with it, or why that could not be found out. */
  readonly error?: StateError;
}

/** What decrypting takes. */
export interface DataCheck {
  readonly keys: SnapshotKeys;
  readonly scratch: Generations;
  /** What became of the content of objects of this run, by their SHA-256: a copy need not be decrypted again. */
  readonly known: Map<string, VerifiedSnapshot>;
}

/** Verifies a snapshot in a repository; with `data` it is decrypted and proven in the same pass. Never throws but for an abort. */
export async function verifyFound(
  place: VerifyPlace,
  found: FoundSnapshot,
  data: DataCheck | undefined,
  reporter: TaskReporter,
): Promise<VerifiedSnapshot> {
  const checked = data === undefined ? 'stored' : 'data';
  const where = place.repository.location;
  if (found.snapshot === undefined) {
    const nothing = { createdAt: undefined, size: undefined, proofs: [] };
    return { id: found.wanted, where, checked, ...nothing, error: found.error };
  }
  const { id, createdAt, size, sidecar, problem } = found.snapshot;
  const facts = {
    id,
    where,
    checked,
    createdAt: (sidecar?.createdAt ?? createdAt).toISOString(),
    size,
  } as const;
  if (sidecar === undefined) {
    const error = (await sizeTrouble(place, found.snapshot, reporter.signal)) ?? problem;
    return { ...facts, proofs: [], error };
  }
  const snapshot: GoodSnapshot = { ...found.snapshot, sidecar };
  const check = new Check(place, snapshot, outOf(sidecar.size, reporter));
  const known = data?.known.get(sidecar.sha256);
  if (data === undefined || known !== undefined) await check.stored();
  if (known !== undefined && check.error === undefined) check.sameAs(known);
  else if (data !== undefined) await check.data(data);
  const { proofs, error } = check;
  const result = { ...facts, proofs, ...(error !== undefined && { error }) };
  // Only of genuine bytes can be said that another object has the same content.
  if (data !== undefined && proofs.some(({ name, ok }) => name === STORED && ok))
    data.known.set(sidecar.sha256, result);
  return result;
}

const STORED = 'stored-bytes';

/** Gathers the proofs of one snapshot; the first failure is its error. */
class Check {
  readonly proofs: Proof[] = [];
  error: StateError | undefined;

  constructor(
    readonly place: VerifyPlace,
    readonly snapshot: GoodSnapshot,
    readonly reporter: TaskReporter,
  ) {}

  /** Reads the object and holds it against the sidecar, if that was not done yet. */
  async stored(): Promise<void> {
    if (this.proofs.some(({ name }) => name === STORED)) return;
    let read = 0;
    const onProgress = (bytes: number): void => {
      this.reporter.moved(bytes - read);
      read = bytes;
    };
    try {
      await this.place.snapshots.verify(this.snapshot, { signal: this.reporter.signal, onProgress });
      this.#storedIsGood();
    } catch (thrown) {
      this.#failed(STORED, thrown);
    }
  }

  sameAs({ where, proofs, error }: VerifiedSnapshot): void {
    const name = 'content';
    const same = `the same bytes as in ${where}`;
    if (error === undefined) {
      this.proofs.push({ name, ok: true, detail: `${same}, which were decrypted and proven` });
    } else {
      const failed = failedProofs(proofs).map((proof) => proof.detail);
      this.proofs.push({ name, ok: false, detail: `${same}, which are bad: ${failed.join('; ')}` });
      this.error ??= error;
    }
  }

  /** One pass: the bytes are hashed as they are decrypted and unpacked. */
  async data({ keys, scratch }: DataCheck): Promise<void> {
    const { signal } = this.reporter;
    const { sidecar, id } = this.snapshot;
    const hash = createHash('sha256');
    let size = 0;
    let opened: OpenedSnapshot | undefined;
    try {
      const body = await this.place.snapshots.open(this.snapshot, { signal });
      const origin = `${id} in ${this.place.repository.location}`;
      const limited = { ...keys, limits: limitsOf(sidecar) };
      opened = await unpackSnapshot(body, origin, limited, scratch, this.reporter, (chunk) => {
        hash.update(chunk);
        size += chunk.length;
      });
      if (size === sidecar.size && hash.digest('hex') === sidecar.sha256) this.#storedIsGood();
      else await this.stored();
      this.proofs.push(belonging(opened.generation, keys.host, this.snapshot));
      await this.#content(opened);
    } catch (thrown) {
      const told = withRecipients(thrown, sidecar.recipients);
      const failure = asStateError(told, `${id} could not be verified`);
      // Whether it was damaged in the store, or has always been so.
      if (opened === undefined && failure.kind === 'proof') await this.stored();
      this.#failed(opened === undefined ? 'decryption' : 'content', failure);
    } finally {
      await opened?.close();
    }
  }

  async #content(opened: OpenedSnapshot): Promise<void> {
    const { proofs, warnings } = await proveSource(await openSource(opened.generation), this.reporter.signal);
    this.proofs.push(...proofs);
    for (const warning of warnings) this.reporter.warn(warning);
    const failed = failedProofs(this.proofs.filter(({ name }) => name !== STORED));
    if (failed.length > 0) this.error ??= unprovenSnapshot(opened.origin, failed);
  }

  #storedIsGood(): void {
    const detail = `${this.snapshot.sidecar.size} bytes equal their SHA-256`;
    this.proofs.push({ name: STORED, ok: true, detail });
  }

  /** Of several failures the last is said first: decryption tells more than the checksum before it. */
  #failed(name: string, thrown: unknown): void {
    this.reporter.signal.throwIfAborted();
    const failure = asStateError(thrown, `${this.snapshot.id} could not be verified`);
    if (failure.kind === 'proof') this.proofs.push({ name, ok: false, detail: failure.message });
    this.error = failure;
  }
}

/** Of an object that is not as long as its sidecar says, which of both it is can be told without opening it. */
async function sizeTrouble(
  { repository }: VerifyPlace,
  { key, size }: DescribedSnapshot,
  signal: AbortSignal,
): Promise<StateError | undefined> {
  if (size === undefined) return undefined;
  const name = sidecarKey(key);
  try {
    const sidecar = parseSidecar(name, await readSmall(repository, name, SIDECAR_LIMIT, { signal }));
    if (sidecar.size === size) return undefined;
    return new StateError({
      kind: 'proof',
      code: size < sidecar.size ? 'archive.truncated' : 'archive.trailing-data',
      what:
        size < sidecar.size
          ? `The encrypted archive ${key} is incomplete`
          : `The encrypted archive ${key} is not as it was written`,
      why: `it has ${size} bytes, ${sidecar.size} were stored`,
      next: 'rely on another snapshot, or on a copy of this one; look at the store for what became of it',
    });
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** That the content is what the sidecar says, and not another snapshot that somebody put under this name. */
function belonging({ manifest }: Generation, host: string, { sidecar }: GoodSnapshot): Proof {
  const wrong: string[] = [];
  if (manifest.host !== host) wrong.push(`its manifest is of the host ${manifest.host}`);
  if (Date.parse(manifest.createdAt) !== sidecar.createdAt.getTime())
    wrong.push(`its manifest says it was taken at ${manifest.createdAt}, the sidecar says another time`);
  const detail = wrong.length > 0 ? wrong.join('; ') : `of ${host}, taken at ${manifest.createdAt}`;
  return { name: 'belonging', ok: wrong.length === 0, detail };
}
