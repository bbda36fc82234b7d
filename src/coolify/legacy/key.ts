import { createReadStream } from 'node:fs';
import { StateError } from '../../core/errors.js';
import { Secret } from '../../core/secret.js';
import { fanOut } from '../../core/streams.js';
import { AppKey, KeyRing } from '../app-key.js';
import { type DumpEvidence, inspectDump } from '../database/dump-evidence.js';
import type { EnvFile } from '../env-file.js';

/** The keys with which a dump of the replaced role opens, and what the dump holds. */
export interface OpenedDump {
  readonly ring: KeyRing;
  /** Texts of the further keys that some values need, for APP_PREVIOUS_KEYS. */
  readonly previous: readonly Secret[];
  readonly evidence: DumpEvidence;
}

/**
 * Reads the dump to its end with every APP_KEY that is at hand and finds the one that it belongs to. The role saved
 * `.env` when it installed and the file APP_KEY when it backed up, so that they can be of two instances.
 *
 * @throws StateError `legacy.no-app-key` (kind `proof`), and `dump.*`
 */
export async function openLegacyDump(
  dump: string,
  { env, file }: { readonly env: EnvFile | undefined; readonly file: string | undefined },
  signal: AbortSignal,
): Promise<OpenedDump> {
  const keys = candidates(env, file);
  if (keys.length === 0) {
    throw new StateError({
      kind: 'proof',
      code: 'legacy.no-app-key',
      what: 'The old archive has no usable APP_KEY',
      why: 'neither its file APP_KEY nor its .env holds "base64:" and 32 bytes',
      next: 'without it the encrypted values in the dump cannot be read; look for an older archive',
    });
  }
  let best: { readonly current: AppKey; readonly evidence: DumpEvidence } | undefined;
  for (const current of keys) {
    const evidence = await inspect(dump, ringOf(current, keys), signal);
    if (best === undefined || byOthers(evidence) < byOthers(best.evidence)) best = { current, evidence };
    if (byOthers(best.evidence) === 0) break;
  }
  if (best === undefined) throw new Error('no key was tried');
  const { current, evidence } = best;
  const others = byOthers(evidence) === 0 ? [] : keys.filter((key) => key !== current);
  return {
    ring: new KeyRing(current, others),
    previous: others.map(({ text }) => text),
    evidence,
  };
}

/** The key of the file comes first: it was saved together with the dump. */
function candidates(env: EnvFile | undefined, file: string | undefined): AppKey[] {
  const texts = [file, env?.get('APP_KEY'), ...(env?.get('APP_PREVIOUS_KEYS') ?? '').split(',')];
  const keys = new Map<string, AppKey>();
  for (const text of texts) {
    const key = usable(text?.trim() ?? '');
    if (key !== undefined && !keys.has(key.fingerprint)) keys.set(key.fingerprint, key);
  }
  return [...keys.values()];
}

function usable(text: string): AppKey | undefined {
  try {
    return AppKey.parse(new Secret(text), 'the old archive');
  } catch {
    return undefined;
  }
}

function ringOf(current: AppKey, all: readonly AppKey[]): KeyRing {
  return new KeyRing(
    current,
    all.filter((key) => key !== current),
  );
}

function byOthers({ payloads }: DumpEvidence): number {
  return payloads.reduce((sum, { byPreviousKey }) => sum + byPreviousKey, 0);
}

async function inspect(dump: string, ring: KeyRing, signal: AbortSignal): Promise<DumpEvidence> {
  const { reader, evidence } = inspectDump(ring, signal);
  await fanOut(createReadStream(dump, { highWaterMark: 1024 * 1024 }), [reader], { signal });
  return evidence();
}
