import { createHash } from 'node:crypto';
import type { Readable, Transform } from 'node:stream';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { rewrapStream } from '../../archive/age-rewrap.js';
import type { NamedIdentity } from '../../archive/identities.js';
import type { NamedRecipient } from '../../archive/recipients.js';
import { StateError } from '../../core/errors.js';
import { outOf, type TaskReporter } from '../../engine/task.js';
import type { Lease } from '../../repository/lease/lease.js';
import type {
  DescribedSnapshot,
  GoodSnapshot,
  SnapshotRepository,
} from '../../repository/snapshots/snapshots.js';
import { withRecipients } from '../hosts/identity-reader.js';

/** Who opens snapshots now, and who shall. */
export interface RekeyKeys {
  readonly identities: readonly NamedIdentity[];
  readonly recipients: readonly NamedRecipient[];
}

/** Whether a snapshot is for exactly these recipients, as far as its sidecar says. */
export function isFor({ sidecar }: DescribedSnapshot, recipients: readonly NamedRecipient[]): boolean {
  const named = new Set(sidecar?.recipients ?? []);
  const wanted = new Set(recipients.map(({ fingerprint }) => fingerprint));
  return named.size === wanted.size && [...wanted].every((fingerprint) => named.has(fingerprint));
}

/** The snapshot that an earlier rekey to the same recipients made of this one. */
export function rekeyedAs(
  { id, sidecar }: DescribedSnapshot,
  all: readonly DescribedSnapshot[],
  recipients: readonly NamedRecipient[],
): DescribedSnapshot | undefined {
  return all.find(
    (other) =>
      other.sidecar?.rekeyedFrom?.id === id &&
      other.sidecar.rekeyedFrom.sha256 === sidecar?.sha256 &&
      isFor(other, recipients),
  );
}

/**
 * Stores a snapshot anew under a header for other recipients: the same payload, the same time, a name and id of its own.
 * The old object is read once; it has to be what its sidecar says and open to its last chunk, otherwise none is made. The
 * old one stays.
 */
export async function rekeySnapshot(
  snapshots: SnapshotRepository,
  snapshot: GoodSnapshot,
  { identities, recipients }: RekeyKeys,
  lease: Lease,
  reporter: TaskReporter,
): Promise<GoodSnapshot> {
  const { sidecar, host, compression } = snapshot;
  const { moved } = outOf(sidecar.size, reporter);
  const { signal } = lease;
  const source = await snapshots.open(snapshot, { signal });
  const hash = createHash('sha256');
  const rewrap = rewrapStream(
    identities,
    recipients.map(({ recipient }) => recipient),
  );
  const { body, done } = through(source, rewrap, signal, (chunk) => {
    hash.update(chunk);
    moved(chunk.length);
  });
  const { id, sha256, importedFrom, plainSize, files, coolify, postgres, proofs, tool } = sidecar;
  const published = await snapshots
    .publish(
      host,
      sidecar.createdAt,
      body,
      () => {
        const found = hash.digest('hex');
        if (found !== sha256) throw changed(snapshot, found);
        return {
          finishedAt: new Date(),
          plainSize,
          files,
          compression,
          recipients: recipients.map(({ fingerprint }) => fingerprint),
          tool,
          coolify,
          postgres,
          proofs,
          importedFrom,
          rekeyedFrom: { id, sha256 },
        };
      },
      { signal, expectedSize: sidecar.size, compression, beforeListed: () => lease.confirm() },
    )
    .catch((error: unknown) => {
      throw withRecipients(error, sidecar.recipients);
    });
  await done;
  return published;
}

/** The rewrapped bytes, and the end of the work behind them; both fail together. */
function through(
  source: Readable,
  rewrap: Transform,
  signal: AbortSignal,
  onChunk: (chunk: Buffer) => void,
): { readonly body: Readable; readonly done: Promise<void> } {
  const body = new PassThrough({ highWaterMark: 512 * 1024 });
  source.on('error', () => undefined);
  const watched = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      onChunk(chunk);
      yield chunk;
    }
  };
  const done = pipeline(source, watched, rewrap, body, { signal });
  done.catch(() => undefined); // whoever reads the body sees the failure; `done` tells it once more
  return { body, done };
}

function changed({ key, sidecar }: GoodSnapshot, found: string): StateError {
  return new StateError({
    kind: 'proof',
    code: 'repository.checksum-differs',
    what: `${key} is not what was stored`,
    why: `its SHA-256 should be ${sidecar.sha256} and is ${found}`,
    next: 'Nothing was made of it. Do not rely on this snapshot; look at the store, and take a new backup',
  });
}
