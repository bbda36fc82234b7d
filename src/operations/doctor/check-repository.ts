import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { asStateError, StateError } from '../../core/errors.js';
import { openRepository, type RepositorySettings } from '../../repository/open.js';
import type { Repository } from '../../repository/repository.js';
import { bad, type Finding, fine, looking, skipped, warning } from '../hosts/finding.js';

/**
 * Whether a repository answers and takes objects: a tiny one is stored and removed again.
 * @throws the signal's reason
 */
export async function checkRepository(
  settings: RepositorySettings,
  signal: AbortSignal,
  more: (repository: Repository) => Promise<readonly Finding[]> = async () => [],
): Promise<readonly Finding[]> {
  const missing = missingCredentials(settings, process.env);
  if (missing !== undefined) return [missing];
  return await looking('repository.reach', signal, async () => {
    const repository = await openRepository(settings);
    try {
      await repository.check({ signal });
      if (isToBeMade(settings)) {
        // Nothing is stored: the check alone would make the folder, and hide that a disk is not mounted.
        return [
          fine('repository.reach', `${repository.location} does not exist yet; the first backup makes it`),
          ...(await more(repository)),
        ];
      }
      return [
        fine('repository.reach', `${repository.location} answers`),
        ...(await writeFindings(repository, settings.kind, signal)),
        ...(await more(repository)),
      ];
    } finally {
      await repository.close();
    }
  });
}

/** Whether there is anything to sign requests with: ours, or what the AWS SDK looks for. */
export function missingCredentials(
  settings: RepositorySettings,
  env: NodeJS.ProcessEnv,
): Finding | undefined {
  if (settings.kind !== 's3') return undefined;
  const { accessKeyId, secretAccessKey, endpoint } = settings;
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined))
    return noCredentials('Only one half of the credentials for S3 is set');
  // In Amazon's own cloud the machine itself may have them.
  if (accessKeyId !== undefined || endpoint === undefined) return undefined;
  const found =
    SDK_SOURCES.some((name) => (env[name] ?? '') !== '') ||
    ['credentials', 'config'].some((name) => existsSync(join(homedir(), '.aws', name)));
  return found ? undefined : noCredentials('There are no credentials for S3 in the environment');
}

function isToBeMade(settings: RepositorySettings): boolean {
  return settings.kind === 'directory' && !existsSync(settings.path);
}

/** Where the SDK finds credentials when it is told to. */
const SDK_SOURCES = [
  'AWS_ACCESS_KEY_ID',
  'AWS_PROFILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
];

export const SET_CREDENTIALS = 'export HETZNER_S3_ACCESS_KEY=... HETZNER_S3_SECRET_KEY=...';

function noCredentials(what: string): Finding {
  return bad(
    'repository.credentials',
    new StateError({
      kind: 'usage',
      code: 'repository.no-credentials',
      what,
      next: SET_CREDENTIALS,
    }),
  );
}

async function writeFindings(
  repository: Repository,
  kind: RepositorySettings['kind'],
  signal: AbortSignal,
): Promise<Finding[]> {
  const key = `coolify-state-check-${randomBytes(8).toString('hex')}`;
  const content = Buffer.from('written by coolify-state to see whether it can, and removed again\n');
  await repository.putSmall(key, content, { signal, shortLived: true });
  try {
    const races = await repository.decidesRaces(key, content, { signal });
    return [
      fine('repository.write', 'objects can be stored there'),
      ...(races
        ? [fine('repository.overwrite', 'of two objects of one name the store refuses the second')]
        : [
            warning(
              'repository.overwrite',
              'the store lets a second writer of one name win',
              'nothing has to be done: names carry their time, and each host has one writer',
            ),
          ]),
      ...(await removeFindings(repository, kind, key, signal)),
    ];
  } catch (error) {
    await repository.remove(key).catch(() => undefined);
    throw error;
  }
}

async function removeFindings(
  repository: Repository,
  kind: RepositorySettings['kind'],
  key: string,
  signal: AbortSignal,
): Promise<Finding[]> {
  try {
    await repository.remove(key, { signal });
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asStateError(thrown, 'The object could not be removed');
    if (error.code !== 'repository.remove-denied') throw error;
    return [
      fine(
        'repository.remove',
        `what is stored cannot be removed with these credentials; the object ${key} stays`,
      ),
    ];
  }
  if (kind === 'directory') return [];
  return [
    warning(
      'repository.remove',
      'these credentials can remove and replace snapshots: whoever steals them can too',
      'give the machine that backs up credentials without s3:DeleteObject, or lock objects in the bucket',
    ),
  ];
}

/** Where nothing is uploaded on purpose. */
export function noRepository(): Finding {
  return skipped(
    'repository.reach',
    'snapshots are kept on this machine only, which may be lost together with the host',
    'name a bucket or a folder: coolify_s3_bucket or coolify_repository',
  );
}
