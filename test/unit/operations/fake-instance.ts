import { createCipheriv, createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { packEntries } from '../../../src/archive/tar.js';
import { collect } from '../archive/streams.js';
import { written } from '../postgres/archive-writer.js';
import { table } from '../postgres/small-dumps.js';

/** A managed key of the instance. */
export interface FakeKey {
  readonly id: string;
  readonly uuid: string;
  readonly name: string;
  readonly text: string;
}

/** A Coolify instance, as far as it can be told from what is backed up of it. */
export interface FakeInstance {
  /** The line as it stands in `.env`. */
  readonly appKey: string;
  readonly keys: readonly FakeKey[];
  readonly dump: Buffer;
}

/** Two managed keys, one of them Coolify's way to its own host, a token, and so many encrypted values. */
export function fakeInstance(count = 20): FakeInstance {
  const secret = randomBytes(32);
  const keys = ['localhost', 'web servers'].map((name, index) => ({
    id: String(index),
    uuid: `uuid${index}`,
    name,
    text: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }));
  return { appKey: `base64:${secret.toString('base64')}`, keys, dump: dumpOf(secret, keys, count) };
}

/** What Laravel's `encrypt` makes of a text. */
export function encrypted(secret: Buffer, plain: string): string {
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', secret, iv);
  const value = Buffer.concat([cipher.update(plain), cipher.final()]).toString('base64');
  const mac = createHmac('sha256', secret)
    .update(iv.toString('base64') + value)
    .digest('hex');
  return Buffer.from(JSON.stringify({ iv: iv.toString('base64'), value, mac, tag: '' })).toString('base64');
}

function dumpOf(secret: Buffer, keys: readonly FakeKey[], count: number): Buffer {
  const rows = keys.map(({ id, uuid, name, text }) =>
    [id, uuid, name, '0', encrypted(secret, text)].join('\t'),
  );
  const values = Array.from(
    { length: count },
    (_, index) => `${index}\t${encrypted(secret, `value ${index}`)}`,
  );
  return written({
    entries: [
      {
        id: 1,
        tag: 'ENCODING',
        desc: 'ENCODING',
        definition: "SET client_encoding = 'UTF8';\n",
        namespace: null,
      },
      table(5, 'private_keys', 'id, uuid, name, team_id, private_key', rows),
      table(6, 'servers', 'id, ip, private_key_id', ['0\thost.docker.internal\t0', '1\t10.0.0.2\t1']),
      table(7, 'environment_variables', 'id, value', values),
    ],
  }).bytes;
}

/** What of a state folder is to be otherwise. */
export interface LegacyChoices {
  readonly env?: string | null;
  readonly appKey?: string | null;
  readonly keyFiles?: readonly FakeKey[] | null;
  readonly dump?: Buffer | null;
}

/** Writes `state/<host>` as the replaced role kept it. `null` leaves a file out. */
export async function writeLegacyState(
  folder: string,
  instance: FakeInstance,
  choices: LegacyChoices = {},
): Promise<void> {
  const coolify = join(folder, 'backups/coolify');
  await mkdir(coolify, { recursive: true });
  await mkdir(join(folder, '.ssh'), { recursive: true });
  const {
    env = `APP_NAME=Coolify\nAPP_KEY=${instance.appKey}\nDB_USERNAME=coolify\nDB_PASSWORD=secret=\nREDIS_PASSWORD=r\nAPP_ID=i\nPUSHER_APP_ID=p\nPUSHER_APP_KEY=k\nPUSHER_APP_SECRET=s\nCOOLIFY_VERSION=4.3.11\n`,
    appKey = instance.appKey,
    keyFiles = instance.keys,
    dump = instance.dump,
  } = choices;
  if (env !== null) await writeFile(join(coolify, '.env'), env);
  if (appKey !== null) await writeFile(join(coolify, 'APP_KEY'), appKey);
  if (dump !== null) await writeFile(join(coolify, 'coolify_db.dump'), dump);
  if (keyFiles !== null)
    await writeFile(join(coolify, 'coolify_ssh_keys.tar.gz'), await keyArchive(keyFiles));
  await writeFile(join(folder, '.ssh/ssh_host_ed25519_key'), 'a private host key\n');
  await writeFile(join(folder, '.ssh/ssh_host_ed25519_key.pub'), 'ssh-ed25519 AAAA root@host\n');
  await mkdir(join(folder, 'hetzner'), { recursive: true });
  await writeFile(join(folder, 'hetzner/server.json'), '{}\n');
}

async function keyArchive(keys: readonly FakeKey[]): Promise<Buffer> {
  const owner = { uid: 9999, gid: 0, uname: '', gname: 'root', mtime: 0 };
  const entries = keys.map(({ uuid, text }) => ({
    header: { path: `./ssh_key@${uuid}`, type: 'file' as const, size: text.length, mode: 0o600, ...owner },
    content: Buffer.from(text),
  }));
  return gzipSync(await collect(packEntries(entries)));
}
