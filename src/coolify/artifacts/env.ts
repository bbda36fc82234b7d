import { Secret } from '../../core/secret.js';
import type { TaskReporter } from '../../engine/task.js';
import type { FileOrigin } from '../../state/manifest.js';
import { keyRingOf } from '../app-key.js';
import type { Artifact } from '../artifact.js';
import { compareEnv } from '../compare/env.js';
import { EnvFile } from '../env-file.js';
import { missingArtifact, type Pull } from '../pull.js';
import { contentOf, packPaths, readPaths } from '../remote-files.js';
import { applyEnv, inspectEnv } from '../restore/env.js';
import { ENV_PATH } from '../stored-paths.js';

const LIMIT = 1024 * 1024;

export const env: Artifact = {
  name: 'env',
  title: 'controller environment',
  onHost: '/data/coolify/source/.env',
  inState: ENV_PATH,
  required: true,
  proof: 'holds an APP_KEY of 32 bytes',
  commands: ({ layout }) => [{ purpose: env.title, command: packPaths([layout.env]), input: 'nothing' }],
  async pull(pull: Pull, reporter: TaskReporter): Promise<string> {
    let found: { origin: FileOrigin; content: Buffer } | undefined;
    await readPaths(
      pull.connection,
      [pull.layout.env],
      async ({ origin }, content) => {
        found = { origin, content: await contentOf(content, LIMIT, pull.layout.env) };
      },
      reporter.signal,
    );
    if (found === undefined) throw missingArtifact(env.title, pull.layout.env, 'does not exist');
    if (found.content.length === 0) throw missingArtifact(env.title, pull.layout.env, 'is empty');
    const file = EnvFile.parse(found.content.toString('utf8'));
    pull.gathered.env = file;
    pull.gathered.ring = keyRingOf(file, pull.layout.env, (text) => new Secret(text));
    await pull.store({ path: ENV_PATH, artifact: env.name, origin: found.origin }, found.content, reporter);
    return `${file.keys().length} settings`;
  },
  compare: compareEnv,
  restore: {
    phase: 'settings',
    why: 'without the APP_KEY in it nothing in the database can be read',
    inspect: inspectEnv,
    apply: applyEnv,
  },
};
