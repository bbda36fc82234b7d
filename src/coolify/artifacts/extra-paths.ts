import type { TaskReporter } from '../../engine/task.js';
import type { Artifact } from '../artifact.js';
import { missingArtifact, type Pull } from '../pull.js';
import { discard, packPaths, readPaths } from '../remote-files.js';
import { applyFiles, inspectFiles } from '../restore-files.js';
import { EXTRA_FOLDER } from '../stored-paths.js';

export const extraPaths: Artifact = {
  name: 'extra-paths',
  title: 'further files asked for',
  onHost: 'the files and folders of coolify_extra_paths',
  inState: `${EXTRA_FOLDER}/<path>`,
  required: false,
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
      async ({ origin }, content) => {
        if (found.has(origin.path)) return discard(content); // in two of the paths
        found.add(origin.path);
        await pull.store(
          { path: `${EXTRA_FOLDER}${origin.path}`, artifact: extraPaths.name, origin },
          content,
          reporter,
        );
      },
      reporter.signal,
    );
    const missing = wanted.filter(
      (path) => ![...found].some((file) => file === path || file.startsWith(`${path}/`)),
    );
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
