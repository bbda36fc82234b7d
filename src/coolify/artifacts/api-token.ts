import type { TaskReporter } from '../../engine/task.js';
import type { Artifact } from '../artifact.js';
import type { Pull } from '../pull.js';
import { contentOf, packPaths, readPaths } from '../remote-files.js';
import { applyFiles, inspectFiles } from '../restore/files.js';
import { TOKEN_PATH } from '../stored-paths.js';

const LIMIT = 64 * 1024;

export const apiToken: Artifact = {
  name: 'api-token',
  title: 'saved API token',
  onHost: '/data/coolify/ansible-token',
  inState: TOKEN_PATH,
  required: false,
  isEarly: true,
  proof: 'after a restore, the API accepts it',
  commands: ({ layout }) => [
    { purpose: apiToken.title, command: packPaths([layout.token]), input: 'nothing' },
  ],
  async pull(pull: Pull, reporter: TaskReporter): Promise<string> {
    await readPaths(
      pull.connection,
      [pull.layout.token],
      async ({ origin }, content) => {
        const bytes = await contentOf(content, LIMIT, pull.layout.token);
        await pull.store({ path: TOKEN_PATH, artifact: apiToken.name, origin }, bytes, reporter);
      },
      reporter.signal,
    );
    return pull.taken(TOKEN_PATH) ? 'saved' : 'the host has none';
  },
  restore: {
    phase: 'access',
    why: 'scripts that use the API go on with the token they have',
    inspect: inspectFiles('api-token'),
    apply: applyFiles('api-token'),
  },
};
