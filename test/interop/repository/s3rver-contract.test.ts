import { openRepository } from '../../../src/repository/open.js';
import { repositoryContract } from './contract.js';
import { startInProcessS3 } from './in-process-s3.js';

repositoryContract('an in-process S3', async () => {
  const { settings, stop } = await startInProcessS3();
  const repository = await openRepository(settings);
  return {
    repository,
    decidesRaces: false,
    pages: false,
    knowsLeftovers: false,
    dispose: async () => {
      await repository.close();
      await stop();
    },
  };
});
