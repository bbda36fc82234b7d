import { DirectoryRepository } from './directory/directory.js';
import type { Repository } from './repository.js';
import { certificatesOf } from './s3/certificates.js';
import type { S3Settings } from './s3/settings.js';

interface DirectorySettings {
  readonly kind: 'directory';
  /** A path or a `file:` URL. Relative ones are taken from the working directory. */
  readonly path: string;
}

export type RepositorySettings = S3Settings | DirectorySettings;

/** Begins to load what `openRepository` will need, for whoever has something to wait for meanwhile. */
export function prepareRepository(settings: RepositorySettings): void {
  if (settings.kind !== 'directory') sdk().catch(() => undefined); // told by `openRepository`
}

/**
 * The repository that settings describe. Nothing is contacted yet (`check()` does that); wrong settings throw
 * `repository.settings`. Whoever opens it closes it.
 * The AWS SDK takes longer to load than most commands take to run, so it is loaded only where it is needed.
 */
export async function openRepository(settings: RepositorySettings): Promise<Repository> {
  if (settings.kind === 'directory') return new DirectoryRepository(settings.path);
  const { S3Repository } = await sdk();
  return new S3Repository(
    settings,
    settings.caFile === undefined ? undefined : await certificatesOf(settings.caFile),
  );
}

function sdk(): Promise<typeof import('./s3/s3.js')> {
  // On Node 20 the SDK writes a warning of seven lines to stderr about what it will need in future releases.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  return import('./s3/s3.js');
}
