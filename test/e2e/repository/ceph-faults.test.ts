import { openRepository } from '../../../src/repository/open.js';
import { faultMatrix } from '../../interop/repository/fault-matrix.js';
import { cephSettings } from './ceph.js';

const open = async () => {
  const settings = await cephSettings();
  return {
    settings,
    stop: async () => {
      const repository = await openRepository(settings);
      for await (const { key } of repository.list('')) await repository.remove(key);
      for await (const leftover of repository.leftovers('')) await repository.removeLeftover(leftover);
      await repository.close();
    },
  };
};

// What never passes is tried against the in-process store.
faultMatrix('Ceph RGW', open, { onlyOnce: true });
