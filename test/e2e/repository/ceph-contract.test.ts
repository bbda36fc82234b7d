import { openRepository } from '../../../src/repository/open.js';
import { repositoryContract } from '../../interop/repository/contract.js';
import { cephSettings } from './ceph.js';

repositoryContract('Ceph RGW', async () => {
  const repository = await openRepository(await cephSettings());
  return {
    repository,
    decidesRaces: true,
    pages: true,
    knowsLeftovers: true,
    dispose: async () => {
      const keys: string[] = [];
      for await (const { key } of repository.list('')) keys.push(key);
      for (let start = 0; start < keys.length; start += 64) {
        await Promise.all(keys.slice(start, start + 64).map((key) => repository.remove(key)));
      }
      await repository.close();
    },
  };
});
