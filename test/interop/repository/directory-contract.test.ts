import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRepository } from '../../../src/repository/open.js';
import { repositoryContract } from './contract.js';

repositoryContract('a directory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coolify-state-repository-'));
  const repository = await openRepository({ kind: 'directory', path: join(folder, 'made', 'later') });
  return {
    repository,
    decidesRaces: true,
    pages: true,
    knowsLeftovers: true,
    dispose: async () => {
      await repository.close();
      await rm(folder, { recursive: true });
    },
  };
});
