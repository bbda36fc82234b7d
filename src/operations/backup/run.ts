import { CoolifyApi, tokenHash } from '../../coolify/api/api.js';
import { movingKeyFolder } from '../../coolify/artifacts/managed-keys.js';
import { ARTIFACTS } from '../../coolify/artifacts.js';
import { containerOf, type HostFacts, installedVersion } from '../../coolify/facts.js';
import { type Instance, instanceOf } from '../../coolify/instance.js';
import { folderDigestCommand } from '../../coolify/key-folder.js';
import type { ManagedKey } from '../../coolify/managed-keys.js';
import { failedProofs, judge } from '../../coolify/proofs.js';
import type { Pull } from '../../coolify/pull.js';
import { messageOf, StateError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import type { TaskReporter } from '../../engine/task.js';
import type { Generation } from '../../state/generations.js';
import type { Manifest, Proof } from '../../state/manifest.js';

const KEY_FOLDER_ATTEMPTS = 3;

/** Pulls the key folder again if it moved while the rest was pulled: keys and dump are of one moment. */
export async function settleKeyFolder(pull: Pull, reporter: TaskReporter): Promise<string> {
  const managedKeys = ARTIFACTS.find(({ name }) => name === 'managed-keys');
  for (let attempt = 1; attempt <= KEY_FOLDER_ATTEMPTS; attempt++) {
    const { stdout } = await pull.connection.run(folderDigestCommand(pull.layout.keys), {
      signal: reporter.signal,
    });
    if (stdout.toString('latin1').split(/\s/)[0] === pull.need('keyFolderDigest')) {
      return attempt === 1
        ? 'the key folder did not move'
        : `the key folder moved and was pulled ${attempt} times`;
    }
    await pull.forget('managed-keys');
    await managedKeys?.pull(pull, reporter);
  }
  throw movingKeyFolder(pull.layout.keys);
}

/** What puts a proof right, in the order in which one failure leads to the next. */
const MENDING: Readonly<Record<string, string>> = {
  dump: 'run the backup again, and if it stays so look at "docker logs coolify-db" on the host',
  'app-key':
    'find the key that the data was encrypted with (older copies of .env stand beside it as .env-*) and put it into .env, as APP_KEY or into APP_PREVIOUS_KEYS',
  'key-rows':
    "remove the damaged keys in Coolify's UI, or put the APP_KEY that they were saved with into APP_PREVIOUS_KEYS",
  'key-files':
    'Coolify writes its key files anew when it starts: "docker restart coolify" on the host, then run the backup again',
};

/**
 * Proves what was pulled before it may become a generation.
 * @throws StateError `backup.unproven` (kind `proof`) naming the proofs that failed.
 */
export function provePull(
  pull: Pull,
  reporter: TaskReporter,
): { proofs: readonly Proof[]; keys: readonly ManagedKey[] } {
  const { authorizedKeys } = pull.gathered;
  const { proofs, warnings, keys } = judge({
    ring: pull.need('ring'),
    dump: pull.need('dump'),
    rowCounts: pull.need('rowCounts'),
    keyFiles: pull.need('keyFiles'),
    authorizedKeys,
  });
  for (const warning of warnings) reporter.warn(warning);
  const failed = failedProofs(proofs);
  const [first, ...others] = failed;
  if (first !== undefined) {
    throw new StateError({
      kind: 'proof',
      code: 'backup.unproven',
      what: `What was pulled is not a backup that could be restored (${failed.map(({ name }) => name).join(', ')})`,
      why: first.detail,
      next: `nothing was kept or uploaded, and the last good generation is untouched; ${MENDING[first.name] ?? 'put the cause right on the host'}`,
      ...(others.length > 0 && {
        detail: others.map(({ name, detail }) => `${name}: ${detail}`).join('\n'),
      }),
    });
  }
  return { proofs, keys };
}

/** What Coolify's API shows of its keys: public keys by uuid, undefined when it does not answer so. */
export type ShownKeys = Promise<ReadonlyMap<string, string> | undefined>;

/**
 * Asks the API for its public keys. Coolify derives each of them anew, which takes as long as dumping a small database:
 * asked early, it answers while the rest is pulled. A failure is told by whoever awaits the answer, or by nobody.
 */
export function askForKeys(pull: Pull, token: Secret, signal: AbortSignal): ShownKeys {
  const shown = new CoolifyApi(pull.connection, pull.need('env'), pull.layout).publicKeys(token, signal);
  shown.catch(() => undefined);
  return shown;
}

/** Compares the public keys with those the API shows, where it answers: a second witness, never a condition. */
export async function compareWithApi(
  pull: Pull,
  keys: readonly ManagedKey[],
  asked: { readonly token: Secret; readonly shown: ShownKeys } | undefined,
  reporter: TaskReporter,
): Promise<string> {
  if (asked === undefined) return 'the host has no saved token to ask it with';
  if (!pull.need('dump').tokenHashes.has(tokenHash(asked.token))) {
    reporter.warn(
      'the saved API token is not known to the instance: it is dead, and will be after a restore',
    );
    return 'the saved token is dead';
  }
  const shown = await asked.shown.catch((error: unknown) => {
    reporter.signal.throwIfAborted();
    return messageOf(error);
  });
  if (shown === undefined) return 'the API did not answer with its keys';
  if (typeof shown === 'string') return `the API could not be asked for its keys: ${shown}`;
  const byUuid = new Map(keys.map((key) => [key.row.uuid, key]));
  let same = 0;
  for (const [uuid, publicKey] of shown) {
    const ours = byUuid.get(uuid)?.publicLine;
    if (ours === undefined) reporter.warn(`the API shows a key ${uuid} that the dump does not have`);
    else if (publicKey.split(/\s+/).slice(0, 2).join(' ') !== ours)
      reporter.warn(`the API shows another public key for ${uuid}`);
    else same++;
  }
  return `${same} of the ${shown.size} keys that the API shows are the same`;
}

/** @throws StateError `host.no-coolify` */
export function requireCoolify(facts: HostFacts): void {
  if (containerOf(facts, 'coolify') !== undefined && installedVersion(facts) !== undefined) return;
  throw new StateError({
    kind: 'failed',
    code: 'host.no-coolify',
    what: 'No Coolify is installed on the host',
    why: 'there is no container named coolify',
    next: 'check the address of the host in the inventory; to rebuild it use "coolify-state restore"',
  });
}

export function instanceFrom(pull: Pull, keys: readonly ManagedKey[]): Instance {
  const { facts } = pull;
  const { summary } = pull.need('dump');
  const volume = facts.databaseVolumes[0];
  return {
    coolify: { version: installedVersion(facts) ?? '', image: containerOf(facts, 'coolify')?.image ?? '' },
    appKeyFingerprint: pull.need('ring').current.fingerprint,
    system: { name: facts.system, architecture: facts.architecture, docker: facts.docker ?? '' },
    reachedAt: { address: pull.connection.address, port: pull.connection.port },
    database: {
      ...pull.need('database'),
      ...(volume !== undefined && { volume }),
      tables: summary.tables.map(({ schema, name, rows, sha256 }) => ({ schema, name, rows, sha256 })),
      sequences: summary.sequences.map(({ schema, name, lastValue, isCalled }) => ({
        schema,
        name,
        lastValue: String(lastValue),
        isCalled,
      })),
    },
    keys: keys.map(({ row: { id, uuid, name, team }, fingerprint }) => ({
      id,
      uuid,
      name,
      team,
      fingerprint,
    })),
  };
}

/**
 * Refuses to put another instance, or one that has lost its keys, over a good generation without a word: a fresh
 * install at the old address must not push out the last backup of the real one.
 * @throws StateError `backup.other-instance`
 */
export function refuseOtherInstance(previous: Generation | undefined, instance: Instance): void {
  if (previous === undefined) return;
  const before = readInstance(previous.manifest);
  if (before === undefined || before.appKeyFingerprint === instance.appKeyFingerprint) return;
  throw new StateError({
    kind: 'failed',
    code: 'backup.other-instance',
    what: 'The host now runs another Coolify instance than the one backed up before',
    why: `its APP_KEY is not the one of ${previous.manifest.id}, which held ${before.keys.length} managed keys; this one has ${instance.keys.length}`,
    next: 'if this is a fresh install, run "coolify-state restore"; if the new instance is meant, add --accept-new-instance',
  });
}

function readInstance(manifest: Manifest): Instance | undefined {
  try {
    return instanceOf(manifest);
  } catch {
    return undefined;
  }
}
