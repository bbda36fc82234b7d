import type { TaskReporter } from '../../engine/task.js';
import type { Artifact } from '../artifact.js';
import type { Pull } from '../pull.js';
import { APP_KEY_PATH } from '../stored-paths.js';

export const appKey: Artifact = {
  name: 'app-key',
  title: 'APP_KEY',
  onHost: 'the line APP_KEY of /data/coolify/source/.env',
  inState: APP_KEY_PATH,
  required: true,
  proof: 'opens every encrypted value in the dump',
  async pull(pull: Pull, reporter: TaskReporter): Promise<string> {
    const { current } = pull.need('ring');
    await pull.store(
      { path: APP_KEY_PATH, artifact: appKey.name },
      Buffer.from(current.text.reveal().trim()),
      reporter,
    );
    return current.fingerprint;
  },
};
