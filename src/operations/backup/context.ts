import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NamedRecipient } from '../../archive/recipients.js';
import type { Instance } from '../../coolify/instance.js';
import type { ManagedKey } from '../../coolify/managed-keys.js';
import type { Pull } from '../../coolify/pull.js';
import { recoveryGuide } from '../../coolify/restore/recovery-guide.js';
import { GUIDE_PATH, TOKEN_PATH } from '../../coolify/stored-paths.js';
import { Secret } from '../../core/secret.js';
import type { TaskReporter } from '../../engine/task.js';
import { type Generation, type Staging, WAY_BACK } from '../../state/generations.js';
import type { Manifest, ManifestFile, Proof } from '../../state/manifest.js';
import type { StateFolder } from '../../state/state-folder.js';
import { TOOL } from '../../tool.js';
import type { HostConfig } from '../hosts/host-config.js';
import { HostSession } from '../hosts/host-session.js';
import { EarlyPulls } from './early-pulls.js';
import { askForKeys, type ShownKeys } from './run.js';
import type { UploadedSnapshot } from './upload.js';

/** What the steps of a backup share. */
export class BackupContext {
  readonly session: HostSession;
  recipients: readonly NamedRecipient[] = [];
  pull: Pull | undefined;
  /** What the API was asked for while the rest is pulled. */
  asked: { readonly token: Secret; readonly shown: ShownKeys } | undefined;
  staging: Staging | undefined;
  readonly early = new EarlyPulls();
  /** What the last generation holds. */
  filesBefore: readonly ManifestFile[] = [];
  keys: readonly ManagedKey[] = [];
  proofs: readonly Proof[] = [];
  instance: Instance | undefined;
  /** The generation that is still the state of the host, so that none is made of what was pulled. */
  unchangedSince: Generation | undefined;
  generation: Generation | undefined;
  readonly snapshots: UploadedSnapshot[] = [];

  constructor(
    readonly config: HostConfig,
    state: StateFolder,
  ) {
    this.session = new HostSession(config, state, 'coolify-state backup');
  }
}

export function pullOf({ pull }: BackupContext): Pull {
  if (pull === undefined) throw new Error('nothing was pulled');
  return pull;
}

/** Asks the API for its keys as soon as a token was pulled. */
export async function askEarly(context: BackupContext, pull: Pull, signal: AbortSignal): Promise<void> {
  if (context.asked !== undefined || !pull.taken(TOKEN_PATH)) return;
  const token = new Secret(await readFile(join(pull.staging.folder, TOKEN_PATH), 'utf8'));
  context.asked = { token, shown: askForKeys(pull, token, signal) };
}

/** The newest that can be read; what a restore kept aside is none. */
export async function lastGeneration({ session }: BackupContext): Promise<Generation | undefined> {
  return (await session.generations.all()).find(({ manifest }) => !manifest.id.startsWith(WAY_BACK));
}

/** What was pulled as the manifest that describes it at this moment; the guide is not in it yet. */
export function manifestOf(context: BackupContext): Manifest & { readonly instance: Instance } {
  const { config, instance, proofs } = context;
  if (instance === undefined) throw new Error('nothing was proven');
  const createdAt = new Date();
  const time = createdAt.toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '');
  return {
    format: 1,
    id: `${time}-${randomBytes(3).toString('hex')}`,
    host: config.name,
    createdAt: createdAt.toISOString(),
    tool: TOOL,
    files: sorted(pullOf(context).files),
    proofs: [...proofs],
    instance,
  };
}

/** Makes a generation of what was staged, with the guide for recovery by hand in it. */
export async function commitGeneration(context: BackupContext): Promise<string> {
  const { config, staging } = context;
  if (staging === undefined) throw new Error('nothing was staged');
  const pull = pullOf(context);
  const manifest = manifestOf(context);
  const guide = recoveryGuide(config.name, manifest.id, manifest.instance, config.layout);
  await pull.store({ path: GUIDE_PATH, artifact: 'recovery-guide' }, Buffer.from(guide), SILENTLY);
  const files = sorted(pull.files);
  context.generation = await staging.commit({ ...manifest, files });
  context.staging = undefined;
  return `${manifest.id}, ${files.length} files`;
}

export function totalSize(files: readonly ManifestFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

function sorted(files: readonly ManifestFile[]): ManifestFile[] {
  return [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** A commit is not broken off in its middle. */
const SILENTLY: TaskReporter = {
  get signal() {
    return AbortSignal.timeout(60_000);
  },
  moved: () => undefined,
  line: () => undefined,
  warn: () => undefined,
};
