import type { TaskReporter } from '../../engine/task.js';
import type { Artifact } from '../artifact.js';
import { compareAuthorizedKeys } from '../compare/keys.js';
import { missingArtifact, type Pull } from '../pull.js';
import { contentOf, packPaths, readPaths } from '../remote-files.js';
import { applyAuthorizedKeys, inspectAuthorizedKeys } from '../restore/authorized-keys.js';
import { AUTHORIZED_KEYS_PATH } from '../stored-paths.js';

const LIMIT = 4 * 1024 * 1024;

export const authorizedKeys: Artifact = {
  name: 'authorized-keys',
  title: "root's authorized_keys",
  onHost: '/root/.ssh/authorized_keys',
  inState: AUTHORIZED_KEYS_PATH,
  required: true,
  isEarly: true,
  proof: 'holds the key with which Coolify reaches its own host',
  commands: ({ layout }) => [
    { purpose: authorizedKeys.title, command: packPaths([layout.authorizedKeys]), input: 'nothing' },
  ],
  async pull(pull: Pull, reporter: TaskReporter): Promise<string> {
    const { authorizedKeys: path } = pull.layout;
    let lines = 0;
    await readPaths(
      pull.connection,
      [path],
      async ({ origin }, content) => {
        const bytes = await contentOf(content, LIMIT, path);
        pull.gathered.authorizedKeys = bytes.toString('utf8');
        lines = pull.gathered.authorizedKeys.split('\n').filter((line) => line.trim() !== '').length;
        await pull.store(
          { path: AUTHORIZED_KEYS_PATH, artifact: authorizedKeys.name, origin },
          bytes,
          reporter,
        );
      },
      reporter.signal,
    );
    if (pull.gathered.authorizedKeys === undefined)
      throw missingArtifact(authorizedKeys.title, path, 'does not exist');
    if (lines === 0) throw missingArtifact(authorizedKeys.title, path, 'is empty');
    return `${lines} lines`;
  },
  compare: compareAuthorizedKeys,
  restore: {
    phase: 'access',
    why: "Coolify reaches its own host by a key in it, and the admins' lines survive",
    inspect: inspectAuthorizedKeys,
    apply: applyAuthorizedKeys,
  },
};
