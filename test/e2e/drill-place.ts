import { appendFileSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { recipientsFromFile } from '../../src/archive/recipients.js';
import { instanceOf } from '../../src/coolify/instance.js';
import { uploadGeneration } from '../../src/operations/backup/upload.js';
import { type Evidence, parseEvidence } from '../../src/operations/drill/evidence.js';
import type { RepositorySettings } from '../../src/repository/open.js';
import { parseManifest } from '../../src/state/manifest.js';
import { type Spoiling, spoil } from '../spoiled-generation.js';
import { collect, LAB, type RunOptions, type Workplace } from './lab.js';
import { type Heard, httpListener, type Listener } from './listeners.js';

/** What tests of drills look at: the engine, the evidence, who was told, and snapshots of which something is wrong. */

/** What drills of a host have on the engine. Prepared hosts have another label, and stay. */
export function containersOf(host: string): Promise<string[]> {
  return names(host, ['ps', '-a', '--format', '{{.Names}}']);
}

export function volumesOf(host: string): Promise<string[]> {
  return names(host, ['volume', 'ls', '--format', '{{.Name}}']);
}

async function names(host: string, args: readonly string[]): Promise<string[]> {
  const { stdout } = await collect('docker', [...args, '--filter', 'label=coolify-state.drill']);
  return stdout.split('\n').filter((name) => name.includes(host));
}

/** The volume that the lab's hosts begin with: images for the engine inside, so that nothing has to be fetched. */
export async function imagesVolume(): Promise<string> {
  const filter = 'name=coolify-state-lab-template-images-';
  const { stdout } = await collect('docker', ['volume', 'ls', '-q', '--filter', filter]);
  const [name = ''] = stdout.trim().split('\n');
  expect(name).not.toBe('');
  return name;
}

/** Ends a run with a signal as soon as it tells of a step. */
export function stopAt(step: string, signal: NodeJS.Signals): NonNullable<RunOptions['started']> {
  return (program) => {
    program.stderr?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes(step)) program.kill(signal);
    });
  };
}

/** Records of drills in a folder, as paths. */
export async function recordsIn(folder: string): Promise<string[]> {
  return (await readdir(folder))
    .filter((name) => /\.drill-[^/]*\.json$/.test(name))
    .map((name) => join(folder, name));
}

export async function newestRecordIn(
  folder: string,
): Promise<{ readonly path: string; readonly content: string }> {
  const newest = (path: string): string => path.slice(path.indexOf('.drill-'));
  const [path = ''] = (await recordsIn(folder)).sort((a, b) => (newest(a) < newest(b) ? 1 : -1));
  return { path, content: await readFile(path, 'utf8') };
}

export async function newestEvidenceIn(folder: string): Promise<Evidence> {
  const { path, content } = await newestRecordIn(folder);
  return parseEvidence(path, Buffer.from(content));
}

let spoiled = 0;

/** The generation of a backup as it is, or spoiled and sealed again so that every checksum fits. @returns the id */
export async function publishGeneration(
  place: Workplace,
  host: string,
  repository: RepositorySettings,
  spoiling?: Spoiling,
): Promise<string> {
  const source = join(place.state, host);
  let folder = source;
  let manifest = parseManifest(await readFile(join(folder, 'manifest.json'), 'utf8'), folder);
  let generation = { host, folder, manifest };
  if (spoiling !== undefined) {
    spoiled++;
    folder = join(place.folder, `spoiled ${spoiled}`);
    await mkdir(folder);
    await cp(source, folder, { recursive: true });
    // A moment of its own: what is stored is named by it.
    const later = Date.parse(manifest.createdAt) + 1000 * spoiled;
    manifest = { ...manifest, createdAt: new Date(later).toISOString() };
    generation = await spoil({ host, folder, manifest }, spoiling);
  }
  const quiet = {
    signal: new AbortController().signal,
    moved: () => undefined,
    line: () => undefined,
    warn: () => undefined,
  };
  const { id } = await uploadGeneration(
    {
      generation,
      instance: instanceOf(generation.manifest),
      recipients: await recipientsFromFile(join(LAB, 'backup_ed25519.pub')),
      compression: { algorithm: 'gzip', level: 1 },
      waitLock: 0,
    },
    repository,
    quiet,
  );
  return id;
}

export const SPOILINGS: readonly Spoiling[] = ['dump', 'key archive', 'APP_KEY'];

/** Who is told of drills: a server, and hooks that write into the same file. */
export interface Told {
  readonly web: Listener;
  /** Settings of the inventory that have it told. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What was told since the last time, in order; what comes at once is sorted. */
  take(): Promise<{ readonly order: readonly string[]; readonly heard: readonly Heard[] }>;
  /** All that hooks were given. */
  given(): Promise<string>;
}

export const PING = 'a-ping-secret-of-drills';
export const WEBHOOK = 'a-webhook-secret-of-drills';

export async function tellingEverybody(folder: string): Promise<Told> {
  const order = join(folder, 'told');
  const given = join(folder, 'given');
  await writeFile(order, '');
  await writeFile(given, '');
  const web = await httpListener(({ path }) => {
    appendFileSync(order, `${path}\n`);
    return 200;
  });
  const hook = (name: string): string =>
    `echo "${name} $COOLIFY_STATE_OPERATION $COOLIFY_STATE_RESULT $COOLIFY_STATE_EXIT_STATUS" >>'${order}'; { cat; env; } >>'${given}'`;
  return {
    web,
    settings: {
      coolify_hook_before: hook('before'),
      coolify_hook_after: hook('after'),
      coolify_hook_failure: hook('failure'),
      coolify_ping_url: `http://127.0.0.1:${web.port}/${PING}`,
      coolify_webhook_url: `http://127.0.0.1:${web.port}/${WEBHOOK}`,
    },
    take: async () => {
      const lines = (await readFile(order, 'utf8')).trim().split('\n');
      const heard = [...web.heard];
      await writeFile(order, '');
      web.heard.length = 0;
      const ends = lines.findLastIndex((line) => !line.startsWith('/')) + 1;
      return { order: [...lines.slice(0, ends), ...lines.slice(ends).sort()].map((l) => l.trim()), heard };
    },
    given: () => readFile(given, 'utf8'),
  };
}
