import { openRepository } from '../../../src/repository/open.js';
import { leaseContract } from '../../interop/repository/lease-contract.js';
import { cephSettings } from './ceph.js';

leaseContract('Ceph RGW', async () => {
  const repository = await openRepository(await cephSettings());
  return {
    repository,
    decidesRaces: true,
    dispose: async () => {
      for await (const { key } of repository.list('')) await repository.remove(key);
      await repository.close();
    },
  };
});
