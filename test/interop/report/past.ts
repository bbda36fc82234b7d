import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Evidence, encodeEvidence } from '../../../src/operations/drill/evidence.js';
import { storeEvidence } from '../../../src/operations/drill/store.js';
import { openRepository, type RepositorySettings } from '../../../src/repository/open.js';
import { SnapshotRepository } from '../../../src/repository/snapshots/snapshots.js';
import { fakeInstance } from '../../unit/operations/fake-instance.js';
import { command } from '../archive/programs.js';
import { HOST, openPlace, type Place } from '../operations/place.js';

/** A host of which there is nothing yet; its name is as long as names get. */
export const EMPTY_HOST = 'a-controller-that-was-added-today.frankfurt.example.org';

const DAY = 86_400_000;
/** How old the snapshots are, in days, and how long each backup took, in seconds. */
const SNAPSHOTS: readonly (readonly [number, number])[] = [
  [58, 31],
  [30, 34],
  [14, 35],
  [7, 33],
  [6, 90],
  [5, 36],
  [4, 38],
  [3, 37],
  [2, 41],
  [1, 40],
];
/** Of which one the object is gone, and which one only the first repository holds. */
const GONE = 4;
const ONLY_FIRST = 1;

/**
 * A place with two months of backups in two repositories, drills of every outcome, a generation, a snapshot that is lost, and
 * a host that has nothing: whatever a report has to show.
 */
export async function openPast(): Promise<Place> {
  const place = await openPlace();
  const first: RepositorySettings = { kind: 'directory', path: place.at('first') };
  const second: RepositorySettings = { kind: 'directory', path: place.at('second') };
  const now = Date.now();
  for (const [days, seconds] of SNAPSHOTS) {
    const generation = await place.generation(new Date(now - days * DAY), fakeInstance(20 + 3 * (60 - days)));
    await place.publish(generation, first);
    await tookSeconds(first, generation.manifest.createdAt, seconds, days === GONE);
    if (days !== ONLY_FIRST) await command('cp', '-aT', place.at('first'), place.at('second'));
    if (days === ONLY_FIRST) {
      await mkdir(place.at('state'), { mode: 0o700 });
      await command('cp', '-a', generation.folder, join(place.at('state'), HOST));
      await chmod(join(place.at('state'), HOST), 0o700);
    }
  }
  await drilled([first, second], now, 30, 27, { outcome: 'passed', seconds: 74 });
  await drilled([first, second], now, 14, 13, { outcome: 'late', seconds: 1260 });
  await drilled([first, second], now, 7, 6.5, { outcome: 'passed', seconds: 96 });
  await drilled([first, second], now, 2, 1.5, { outcome: 'failed' });
  const about = {
    coolify_backup_encryption_key_path: place.at('key'),
    coolify_repository: [`file:${place.at('first')}`, `file:${place.at('second')}`],
  };
  const limits = { coolify_drill_max_rto: '15min', coolify_drill_max_rpo: '2d' };
  const hosts = {
    [HOST]: { ...about, ...limits, coolify_keep_daily: 7, coolify_keep_weekly: 4 },
    [EMPTY_HOST]: about,
  };
  // JSON is YAML.
  await writeFile(place.at('inventory.yml'), JSON.stringify({ controller: { hosts } }));
  return place;
}

const sidecarSchema = z.looseObject({ object: z.string(), createdAt: z.string(), finishedAt: z.string() });

/** Says how long the backup of a snapshot took that was made in no time, and loses it when that is wanted. */
async function tookSeconds(
  settings: RepositorySettings,
  createdAt: string,
  seconds: number,
  isGone: boolean,
): Promise<void> {
  if (settings.kind !== 'directory') return;
  const { key, sidecar } = await snapshotOf(settings, new Date(createdAt));
  const path = join(settings.path, key.replace(/[^/]*$/, sidecar.object));
  const text = sidecarSchema.parse(JSON.parse(await readFile(`${path}.json`, 'utf8')));
  const finishedAt = new Date(Date.parse(text.createdAt) + seconds * 1000).toISOString();
  await chmod(`${path}.json`, 0o600);
  await writeFile(`${path}.json`, JSON.stringify({ ...text, finishedAt }));
  if (isGone) await rm(path);
}

async function drilled(
  repositories: readonly [RepositorySettings, RepositorySettings],
  now: number,
  ofDays: number,
  atDays: number,
  { outcome, seconds }: { readonly outcome: Evidence['outcome']; readonly seconds?: number },
): Promise<void> {
  const [place] = repositories;
  const startedAt = new Date(now - atDays * DAY);
  const snapshot = await snapshotOf(place, new Date(now - ofDays * DAY));
  const { id, host, sidecar } = snapshot;
  const broken = outcome === 'failed';
  const proven = (name: string, detail: string) => ({ name, ok: true, detail });
  const evidence: Evidence = {
    type: 'coolify-state.drill',
    format: 1,
    tool: '0.1.0',
    drill: `${outcome.length}${Math.round(atDays * 10)}`.padStart(8, '0'),
    startedAt: startedAt.toISOString(),
    finishedAt: new Date(startedAt.getTime() + 120_000).toISOString(),
    outcome,
    snapshot: {
      ...{ id, host, object: sidecar.object, sha256: sidecar.sha256, read: true, size: sidecar.size },
      createdAt: sidecar.createdAt.toISOString(),
      recipients: [],
    },
    target: { kind: 'container', name: 'coolify-state-drill-web1', began: 'prepared' },
    isolation: {
      guaranteed: true,
      before: [proven('no-network', 'the engine gives it none'), proven('no-route', 'there is no route out')],
      after: [proven('no-connection', '12 connections were tried, none came about')],
    },
    proofs: {
      snapshot: [
        proven('dump', 'read to its end, 27 tables'),
        {
          name: 'app-key',
          ok: !broken,
          detail: broken ? 'APP_KEY opens 0 of 20 values' : 'APP_KEY opens 20 of 20 values',
        },
      ],
      restored: broken ? [] : [proven('rows', '1,024 rows in 27 tables, as in the snapshot')],
    },
    ...(seconds !== undefined && { recovery: { seconds, limitSeconds: 900, ok: seconds <= 900 } }),
    dataAge: { seconds: ((ofDays - atDays) * DAY) / 1000, limitSeconds: 172_800, ok: true },
    apart: { preparation: 42 },
    steps: [],
    ...(broken && {
      failure: {
        kind: 'proof',
        code: 'snapshot.unproven',
        what: 'The snapshot is not proven: app-key',
        why: 'APP_KEY opens 0 of 20 values',
      },
    }),
  };
  const reporter = {
    signal: new AbortController().signal,
    moved: () => undefined,
    line: () => undefined,
    warn: (message: string) => {
      throw new Error(message);
    },
  };
  await storeEvidence(
    { content: encodeEvidence(evidence), signature: undefined },
    repositories,
    { snapshot, place, location: '' },
    startedAt,
    reporter,
  );
}

type Found = Awaited<ReturnType<SnapshotRepository['find']>>;

/** The snapshot that was taken at a moment. */
async function snapshotOf(settings: RepositorySettings, at: Date): Promise<Found> {
  const repository = await openRepository(settings);
  try {
    const stamp = at.toISOString().replace(/[-:]|\.\d+/g, '');
    return await new SnapshotRepository(repository).find(HOST, stamp);
  } finally {
    await repository.close();
  }
}
