import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRepository } from '../../../src/repository/open.js';
import { startInProcessS3 } from './in-process-s3.js';
import { leaseContract } from './lease-contract.js';

leaseContract('a directory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coolify-state-lease-'));
  const repository = await openRepository({ kind: 'directory', path: join(folder, 'made', 'later') });
  return {
    repository,
    decidesRaces: true,
    dispose: async () => {
      await repository.close();
      await rm(folder, { recursive: true });
    },
  };
});

// A store that lets both of two writers win: there a pause and a second look decide.
leaseContract('an in-process S3 without conditions', async () => {
  const { settings, stop } = await startInProcessS3();
  const repository = await openRepository(settings);
  return {
    repository,
    decidesRaces: false,
    dispose: async () => {
      await repository.close();
      await stop();
    },
  };
});
