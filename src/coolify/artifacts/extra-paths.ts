import { statfs } from 'node:fs/promises';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { TaskReporter } from '../../engine/task.js';
import type { Artifact } from '../artifact.js';
import { missingArtifact, type Pull } from '../pull.js';
import { discard, isWithin, packPaths, readPaths } from '../remote-files.js';
import { applyFiles, inspectFiles } from '../restore/files.js';
import { EXTRA_FOLDER } from '../stored-paths.js';

export const extraPaths: Artifact = {
  name: 'extra-paths',
  title: 'further files asked for',
  onHost: 'the files and folders of coolify_extra_paths',
  inState: `${EXTRA_FOLDER}/<path>`,
  required: false,
  isEarly: true,
  proof: 'size and SHA-256',
  commands: ({ extraPaths: paths }) =>
    paths.length === 0 ? [] : [{ purpose: extraPaths.title, command: packPaths(paths), input: 'nothing' }],
  async pull(pull: Pull, reporter: TaskReporter): Promise<string> {
    const wanted = pull.settings.extraPaths;
    if (wanted.length === 0) return 'none asked for';
    const found = new Set<string>();
    await readPaths(
      pull.connection,
      wanted,
      async ({ origin, size }, content) => {
        if (found.has(origin.path)) return discard(content); // in two of the paths
        found.add(origin.path);
        await requireRoom(pull.staging.folder, origin.path, size);
        await pull.store(
          { path: `${EXTRA_FOLDER}${origin.path}`, artifact: extraPaths.name, origin },
          content,
          reporter,
        );
      },
      reporter.signal,
    );
    const missing = wanted.filter((path) => ![...found].some((file) => isWithin(file, path)));
    if (missing.length > 0)
      throw missingArtifact(extraPaths.title, missing.join(', '), 'is not there, or holds no file');
    return `${found.size} files`;
  },
  restore: {
    phase: 'access',
    why: 'asked for with coolify_extra_paths when the snapshot was made',
    inspect: inspectFiles('extra-paths'),
    apply: applyFiles('extra-paths'),
  },
};

/** A file may be far larger than what it takes on the host's disk: where it is sparse, its holes come as zeros. */
async function requireRoom(folder: string, path: string, size: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (size <= bavail * bsize) return;
  throw new StateError({
    kind: 'failed',
    code: 'host.file-too-large',
    what: `${printable(path)} is larger than what is free on this machine`,
    why: `it has ${size} bytes, and ${bavail * bsize} are free where the state is kept`,
    next: 'look at that file on the host, and take it out of coolify_extra_paths or make room here',
  });
}
