// A folder of a host as an encrypted archive in S3 and back, against the pipelines that an expert would type.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HAS_ZSTD, WITH_ZSTD } from '../harness/as-published.mjs';
import { folderOnHost, KINDS } from '../harness/data.mjs';
import { BACKUP_KEY, BUCKET, HOSTS, removeObject, sshArgs } from '../harness/lab.mjs';
import { bash } from '../harness/measured.mjs';

const PACK = `folder=$1 recipient=$2 endpoint=$3 object=$4; shift 4
ssh "$@" root@127.0.0.1 tar -C "$folder" -cf - . | COMPRESS | age -R "$recipient" |
  aws --endpoint-url "$endpoint" s3 cp - "$object"`;
const UNPACK = `identity=$1 endpoint=$2 object=$3 folder=$4; mkdir -p "$folder"
aws --endpoint-url "$endpoint" s3 cp "$object" - | age -d -i "$identity" | DECOMPRESS | tar -xf - -C "$folder"`;

const PEERS = [
  { tool: 'gzip', compress: 'gzip -1', decompress: 'gzip -d', target: 1.5, ours: {} },
  {
    tool: 'zstd',
    compress: 'zstd -q -3',
    decompress: 'zstd -q -d',
    target: 1,
    ours: HAS_ZSTD ? WITH_ZSTD : {},
  },
];

export function archiveCases({ folder, inventory, s3, path, driver, mebibytes }) {
  return KINDS.flatMap((kind) =>
    PEERS.flatMap(({ tool, compress, decompress, target, ours }) => {
      const ourEnv = { ...s3.env, ...ours };
      const ourKey = (index) => `${kind}/ours-${tool}-${index}.age`;
      const theirKey = (index) => `${path}/${kind}/${tool}-${index}.age`;
      const theirObject = (index) => `s3://${BUCKET}/${theirKey(index)}`;
      const extracted = join(folder, 'extracted');
      // The first of each is unpacked again; the store is in memory and would be full with all of them.
      const keepFirst = (object) => async (index) => {
        if (index > 0) await removeObject(s3, object(index));
      };
      return [
        {
          name: `archive-${tool}-${kind}`,
          mebibytes,
          title: `archive, encrypt, upload: ${kind}`,
          against: `\`ssh tar | ${compress} | age | aws s3 cp -\``,
          target,
          ours: {
            command: (index) => ({
              argv: [process.execPath, ...driver('archive'), inventory.s3, folderOnHost(kind), ourKey(index)],
              env: ourEnv,
            }),
            after: keepFirst((index) => `${path}/${ourKey(index)}`),
          },
          peer: {
            after: keepFirst(theirKey),
            command: (index) => ({
              argv: bash(
                PACK.replace('COMPRESS', compress),
                ...[folderOnHost(kind), `${BACKUP_KEY}.pub`, s3.endpoint, theirObject(index)],
                ...sshArgs(HOSTS[0].port),
              ),
              env: s3.env,
            }),
          },
        },
        {
          name: `extract-${tool}-${kind}`,
          mebibytes,
          title: `download, decrypt, unpack: ${kind}`,
          against: `\`aws s3 cp | age -d | ${decompress} | tar\``,
          target,
          // What the first pair of the case above has stored.
          needs: `archive-${tool}-${kind}`,
          before: () => rm(extracted, { recursive: true, force: true }),
          ours: {
            command: () => ({
              argv: [process.execPath, ...driver('extract'), inventory.s3, ourKey(0), extracted],
              env: s3.env,
            }),
          },
          peer: {
            command: () => ({
              argv: bash(
                UNPACK.replace('DECOMPRESS', decompress),
                ...[BACKUP_KEY, s3.endpoint, theirObject(0), extracted],
              ),
              env: s3.env,
            }),
          },
        },
      ];
    }),
  );
}
