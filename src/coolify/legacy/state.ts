import { join } from 'node:path';
import { StateError } from '../../core/errors.js';
import { MANIFEST, type Manifest, renderManifest } from '../../state/manifest.js';
import { EnvFile } from '../env-file.js';
import { type Instance, UNKNOWN_VERSION } from '../instance.js';
import { layoutOf } from '../layout.js';
import { type ManagedKey, publicKeyFileNames } from '../managed-keys.js';
import { recoveryGuide } from '../restore/recovery-guide.js';
import { APP_KEY_PATH, DUMP_PATH, ENV_PATH, GUIDE_PATH } from '../stored-paths.js';
import { describeFiles, publicKeyPath, putFile, sizeOf, textOf } from './files.js';
import { type OpenedDump, openLegacyDump } from './key.js';
import { settleAuthorizedKeys, settleEnv, settleKeys } from './settle.js';

/** What is known of an archive of the replaced role besides its content. */
export interface LegacyArchive {
  readonly host: string;
  /** When it was taken, as well as that can be told. */
  readonly createdAt: Date;
  /** Its file name and SHA-256 (hex), or those of the dump where it is a folder. */
  readonly file: string;
  readonly sha256: string;
  /** Version of Coolify, where a person says it. */
  readonly coolifyVersion?: string | undefined;
  readonly tool: Manifest['tool'];
}

export interface AdoptedState {
  readonly manifest: Manifest;
  readonly instance: Instance;
  /** What is not as in a backup of this program, for people. */
  readonly notes: readonly string[];
}

/** The role knew no others. */
const LAYOUT = layoutOf({
  dataPath: '/data/coolify',
  installScript: '/root/install.sh',
  databaseContainer: 'coolify-db',
});

/**
 * Makes a generation of a folder in the layout of the replaced role (`state/<host>`): reads the dump to its end, finds the
 * APP_KEY that opens its values, opens the managed keys, and puts in what the role did not save, as far as it follows from
 * that. The folder is changed; it has to be a copy.
 *
 * @throws StateError of kind `proof`: `legacy.no-dump`, `legacy.no-app-key`, `legacy.unproven`, and `dump.*`
 */
export async function adoptLegacyState(
  folder: string,
  about: LegacyArchive,
  signal: AbortSignal,
): Promise<AdoptedState> {
  const envText = await textOf(join(folder, ENV_PATH));
  const saved = envText === undefined ? undefined : EnvFile.parse(envText);
  const dump = await openLegacyDump(
    await dumpOf(folder),
    { env: saved, file: await textOf(join(folder, APP_KEY_PATH)) },
    signal,
  );
  const notes: string[] = [];
  const { env, version } = await settleEnv(folder, saved, dump, about.coolifyVersion, notes);
  const { verdict, keys } = await settleKeys(folder, dump, about.createdAt, notes, signal);
  await settleAuthorizedKeys(folder, dump, keys, notes);
  const titles = new Map<string, string>();
  const names = publicKeyFileNames(keys.map(({ row }) => row));
  for (const { row, publicLine } of keys) {
    const path = publicKeyPath(names.get(row.uuid) ?? '');
    titles.set(path, row.name);
    await putFile(folder, path, Buffer.from(`${publicLine}\n`));
  }
  const instance = instanceFrom(about, env, version, dump, keys);
  const id = idOf(about);
  const guide = recoveryGuide(about.host, id, instance, LAYOUT);
  await putFile(folder, GUIDE_PATH, Buffer.from(guide));
  const manifest: Manifest = {
    format: 1,
    id,
    host: about.host,
    createdAt: about.createdAt.toISOString(),
    tool: about.tool,
    files: (await describeFiles(folder, LAYOUT, titles, signal)).filter(({ path }) => path !== MANIFEST),
    proofs: [...verdict.proofs],
    instance,
  };
  await putFile(folder, MANIFEST, Buffer.from(renderManifest(manifest)));
  return { manifest, instance, notes: [...notes, ...verdict.warnings] };
}

/** Of one archive always the same. */
function idOf({ createdAt, sha256 }: LegacyArchive): string {
  const time = createdAt.toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '');
  return `${time}-${sha256.slice(0, 6)}`;
}

async function dumpOf(folder: string): Promise<string> {
  const path = join(folder, DUMP_PATH);
  const size = await sizeOf(path);
  if (size !== undefined && size > 0) return path;
  throw new StateError({
    kind: 'proof',
    code: 'legacy.no-dump',
    what: 'The old archive cannot be used',
    why: `${DUMP_PATH} is ${size === undefined ? 'not in it' : 'empty'}`,
    next: 'look for an older archive',
  });
}

function instanceFrom(
  { file, sha256 }: LegacyArchive,
  env: EnvFile,
  version: string,
  { ring, evidence }: OpenedDump,
  keys: readonly ManagedKey[],
): Instance {
  const { header, encoding, tables, sequences } = evidence.summary;
  const [major = 0, minor = 0] = header.serverVersion.split(/[^0-9]+/).map(Number);
  return {
    coolify: { version, image: '' },
    appKeyFingerprint: ring.current.fingerprint,
    system: { name: UNKNOWN_VERSION, architecture: UNKNOWN_VERSION, docker: '' },
    database: {
      versionNumber: major * 10_000 + minor,
      version: header.serverVersion,
      name: env.get('DB_DATABASE') ?? header.database,
      user: env.get('DB_USERNAME') ?? 'coolify',
      encoding: encoding === '' ? 'UTF8' : encoding,
      dataChecksums: false,
      tables: tables.map(({ schema, name, rows, sha256: hash }) => ({ schema, name, rows, sha256: hash })),
      sequences: sequences.map(({ schema, name, lastValue, isCalled }) => ({
        schema,
        name,
        lastValue,
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
    imported: { file, sha256 },
  };
}
