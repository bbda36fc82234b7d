import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ALL_OUTPUT,
  coolifyState,
  lab,
  type Outcome,
  onHost,
  type S3Access,
  s3,
  type Workplace,
  workplace,
} from './lab.js';
import {
  begin,
  eventually,
  hostOf,
  leftoversIn,
  oursOn,
  signalled,
  treeOf,
  whileRunning,
} from './observations.js';
import { databaseCrashes, dumpWaits, letDumpGoOn, PG_DUMP, realPgDump, replacePgDump } from './pg-dump.js';
import { secretsIn, secretsOf } from './secret-search.js';
import { thinLine } from './throttle.js';

/** Runs that end in the middle: nothing is left behind on either side, and the last good generation stands. */
const HOST = 'interruptions.test';
const PORT = 2232;

let place: Workplace;
let store: S3Access;
let client: S3Client;
let good: Record<string, string>;

const path = (): string => `interruptions-${process.pid}`;
const settings = (): Record<string, unknown> => ({
  coolify_s3_endpoint: store.endpoint,
  coolify_s3_bucket: store.env['COOLIFY_S3_BUCKET'],
  coolify_s3_path: path(),
});
const BACKUP = (): string[] => ['backup', ...place.options, '--json'];
const backup = (): Promise<Outcome> => coolifyState(BACKUP(), { env: store.env });
const generation = (): Promise<Record<string, string>> => treeOf(join(place.state, HOST));

beforeAll(async () => {
  store = await s3();
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, {});
  await place.writeInventory(settings());
  client = new S3Client({
    endpoint: store.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: store.env['HETZNER_S3_ACCESS_KEY'] ?? '',
      secretAccessKey: store.env['HETZNER_S3_SECRET_KEY'] ?? '',
    },
  });
  await expectGoodRun();
});

afterAll(async () => {
  client?.destroy();
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

/** What a user does after an interrupted run: the same again. */
async function expectGoodRun(): Promise<void> {
  const outcome = await backup();
  expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0);
  expect(await leftoversIn(place.state)).toEqual([]);
  good = await generation();
}

async function storedKeys(): Promise<string[]> {
  const { Contents = [] } = await client.send(
    new ListObjectsV2Command({ Bucket: store.env['COOLIFY_S3_BUCKET'], Prefix: `${path()}/` }),
  );
  // The lease that an upload runs under stays behind by its number, as is meant.
  return Contents.map(({ Key }) => Key ?? '')
    .filter((key) => !key.includes('/.lease/'))
    .sort();
}

async function openUploads(): Promise<string[]> {
  const { Uploads = [] } = await client.send(
    new ListMultipartUploadsCommand({ Bucket: store.env['COOLIFY_S3_BUCKET'], Prefix: `${path()}/` }),
  );
  return Uploads.map(({ Key }) => Key ?? '');
}

describe('in the middle of the dump', () => {
  const halfway = (): Promise<void> => eventually('half of the dump', () => dumpWaits(HOST));
  let stored: string[];
  let crashes: number;

  beforeEach(async () => {
    stored = await storedKeys();
    crashes = await databaseCrashes(HOST);
    await replacePgDump(HOST, PG_DUMP.waiting);
  });

  afterEach(() => realPgDump(HOST));

  /** The host is as nobody had ever asked it for anything, and its database has not noticed. */
  async function expectQuietHost(): Promise<void> {
    let ours: string[] = [];
    const quiet = async (): Promise<boolean> => {
      ours = await oursOn(HOST);
      return ours.length === 0;
    };
    await eventually('no process of ours on the host', quiet, 20).catch(() => expect(ours).toEqual([]));
    expect(await databaseCrashes(HOST)).toBe(crashes);
  }

  it('kill -9 leaves nothing on the host, and the next run clears what it left here', async () => {
    const killed = await signalled(BACKUP(), 'SIGKILL', halfway, store.env);
    expect(killed.status).toBeNull();
    expect(await generation()).toEqual(good);
    expect(await storedKeys()).toEqual(stored);
    await expectQuietHost();
    // Its lock and its staging folder are there, with half a dump: nobody removes them but the next run.
    expect(await leftoversIn(place.state)).toHaveLength(2);
    await realPgDump(HOST);
    await expectGoodRun();
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('%s ends the run in order', async (signal) => {
    const stopped = await signalled(BACKUP(), signal, halfway, store.env);
    expect(stopped.status, stopped.stderr).toBe(130);
    expect(stopped.stderr).toContain('stopping: closing connections and removing what is half done');
    expect(hostOf(stopped).error).toMatchObject({ kind: 'interrupted', code: 'interrupted' });
    expect(await leftoversIn(place.state)).toEqual([]);
    expect(await generation()).toEqual(good);
    expect(await storedKeys()).toEqual(stored);
    await expectQuietHost();
  });

  it('a second run is told who works on the host, and the first goes on undisturbed', async () => {
    const first = begin(BACKUP(), store.env);
    await whileRunning(first.outcome, halfway());
    const second = await backup();
    expect(second.status, second.stderr).toBe(5);
    const { error } = hostOf(second);
    expect(error).toMatchObject({
      kind: 'locked',
      code: 'state.locked',
      what: `Another run works on ${HOST}`,
    });
    expect(error?.why).toMatch(
      new RegExp(
        `^coolify-state backup has held the lock since 20\\S+Z as process ${first.process.pid} on \\S+$`,
      ),
    );
    await letDumpGoOn(HOST);
    const { status, stderr } = await first.outcome;
    expect(status, stderr).toBe(0);
    expect(await leftoversIn(place.state)).toEqual([]);
    await expectQuietHost();
    good = await generation();
  });
});

it('the next run after all that works', () => expectGoodRun());

describe('in the middle of the upload', () => {
  const LARGE = '/root/large-and-random';

  beforeAll(async () => {
    await onHost(HOST, `head -c 41943040 /dev/urandom >${LARGE}`);
  });

  afterAll(async () => {
    await onHost(HOST, `rm -f ${LARGE}`);
    await place.writeInventory(settings());
  });

  it('Ctrl-C leaves neither an open upload nor an object, and the generation that was pulled is a good one', async () => {
    const stored = await storedKeys();
    await using line = await thinLine(store.endpoint, 1024 * 1024);
    await place.writeInventory({
      ...settings(),
      coolify_s3_endpoint: line.endpoint,
      coolify_extra_paths: [LARGE],
    });
    const uploading = async (): Promise<void> => {
      await eventually('an open upload', async () => (await openUploads()).length > 0);
      await eventually('parts on their way', async () => line.sent() > 6 * 1024 * 1024);
    };
    const stopped = await signalled(BACKUP(), 'SIGINT', uploading, store.env);
    expect(stopped.status, stopped.stderr).toBe(130);
    expect(hostOf(stopped)).toMatchObject({ error: { code: 'interrupted' }, snapshots: [] });
    expect(await openUploads()).toEqual([]);
    expect(await storedKeys()).toEqual(stored);
    expect(await leftoversIn(place.state)).toEqual([]);

    const verified = await coolifyState(['verify', ...place.options, '--from', 'local'], { env: store.env });
    expect(verified.status, verified.stderr).toBe(0);
    expect(await readFile(join(place.state, HOST, 'manifest.json'), 'utf8')).toContain(LARGE);
  });

  it('the next run stores a snapshot of many parts', async () => {
    await place.writeInventory({ ...settings(), coolify_extra_paths: [LARGE] });
    const before = await storedKeys();
    const outcome = await backup();
    expect(outcome.status, outcome.stderr).toBe(0);
    const [snapshot] = hostOf(outcome).snapshots;
    const added = (await storedKeys()).filter((key) => !before.includes(key));
    expect(added).toEqual([`${path()}/${snapshot?.key}`, `${path()}/${snapshot?.key}.json`]);
    expect(await openUploads()).toEqual([]);
  });
});

it('no secret was shown by any of these runs', async () => {
  expect(ALL_OUTPUT.length).toBeGreaterThan(14);
  expect(secretsIn(ALL_OUTPUT, await secretsOf(HOST))).toEqual([]);
});
