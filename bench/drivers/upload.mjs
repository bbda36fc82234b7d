// node upload.mjs INVENTORY STATE: the newest generation on this machine becomes a snapshot, read back to its last byte.
import { built, hostOf, signal } from './parts.mjs';

const [inventory, state] = process.argv.slice(2);
const host = await hostOf(inventory);
const { openStateFolder } = await built('state/state-folder.js');
const { uploadGeneration } = await built('operations/backup/upload.js');
const { recipientsFrom } = await built('archive/recipient-sources.js');
const { instanceOf } = await built('coolify/instance.js');
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
