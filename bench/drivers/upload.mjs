// node upload.mjs INVENTORY STATE: the newest generation on this machine becomes a snapshot, read back to its last byte.
import { recipientsFrom } from '../../dist/archive/recipient-sources.js';
import { instanceOf } from '../../dist/coolify/instance.js';
import { uploadGeneration } from '../../dist/operations/backup/upload.js';
import { openStateFolder } from '../../dist/state/state-folder.js';
import { hostOf, signal } from './parts.mjs';

const [inventory, state] = process.argv.slice(2);
const host = await hostOf(inventory);
const generation = await (await openStateFolder(state)).generations(host.name).current();
const job = {
  generation,
  instance: instanceOf(generation.manifest),
  recipients: await recipientsFrom(host.recipients),
  compression: host.compression,
  waitLock: 0,
};
const nothing = () => undefined;
await uploadGeneration(job, host.repositories[0], { signal, moved: nothing, line: nothing, warn: nothing });
