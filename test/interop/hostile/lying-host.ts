import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type ServerChannel } from 'ssh2';
import { type Connection, connect } from '../../../src/ssh/connection.js';
import { MARKER } from '../../../src/ssh/start-marker.js';

/** What a lying host does with a command: the marker was said already. */
export type Lie = (channel: ServerChannel, command: string) => void;

/** A host that answers every command as the test says, over a real SSH connection. */
export interface LyingHost {
  /** What it does with the next commands. */
  lie: Lie;
  /** Whether it says the marker by itself. */
  honestStart: boolean;
  connect(): Promise<Connection>;
  stop(): Promise<void>;
}

export async function lyingHost(): Promise<LyingHost> {
  const folder = await mkdtemp(join(tmpdir(), 'lying-host-'));
  const hostKey = ssh2.utils.generateKeyPairSync('ed25519');
  const identity = ssh2.utils.generateKeyPairSync('ed25519');
  const identityFile = join(folder, 'identity');
  await writeFile(identityFile, identity.private, { mode: 0o600 });
  const host: { lie: Lie; honestStart: boolean } = { lie: (channel) => channel.close(), honestStart: true };
  const clients = new Set<ssh2.Connection>();
  const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (client) => {
    clients.add(client);
    client.on('error', () => undefined);
    client.on('authentication', (context) => context.accept());
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        channel.on('error', () => undefined);
        const marker = markerIn(command);
        if (host.honestStart) {
          channel.stderr.write(marker);
          channel.write(marker);
        }
        host.lie(channel, command);
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address: unknown = server.address();
  const port =
    typeof address === 'object' && address !== null && 'port' in address ? Number(address.port) : 0;
  const blob = Buffer.from(hostKey.public.split(' ')[1] ?? '', 'base64');
  const fingerprint = `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
  return Object.assign(host, {
    connect: () =>
      connect(
        {
          host: 'liar',
          address: '127.0.0.1',
          port,
          user: 'root',
          identityFiles: [identityFile],
          knownHostsFiles: [],
          hostKeyChecking: 'strict',
          pinnedFingerprints: [fingerprint],
          connectTimeoutMs: 10_000,
          keepaliveMs: 15_000,
        },
        { signal: AbortSignal.timeout(110_000) },
      ),
    stop: async () => {
      for (const client of clients) client.end();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  } as const);
}

/** Says the same again and again until nobody listens any more. */
export function endlessly(channel: ServerChannel, chunk: Buffer): void {
  const go = (): void => {
    while (channel.writable && channel.write(chunk));
    if (channel.writable) channel.once('drain', go);
  };
  go();
}

/** Says something and ends well. */
export function says(channel: ServerChannel, ...chunks: readonly Buffer[]): void {
  for (const chunk of chunks) channel.write(chunk);
  channel.exit(0);
  channel.end();
}

/** A header of a tar archive, as no honest tar may write it. */
export function tarHeader(
  name: string | Buffer,
  { size = 0, type = '0', link = '' }: { size?: number; type?: string; link?: string } = {},
): Buffer {
  const header = Buffer.alloc(512);
  Buffer.from(name).copy(header, 0, 0, 100);
  header.write('0000644\0', 100, 'latin1');
  header.write('0000000\0', 108, 'latin1');
  header.write('0000000\0', 116, 'latin1');
  if (size < 8 ** 11) header.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  else {
    // GNU's form for large sizes.
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  header.write('00000000000\0', 136, 'latin1');
  header.fill(' ', 148, 156);
  header.write(type, 156, 'latin1');
  header.write(link, 157, 'utf8');
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** A file with its content, padded. */
export function tarFile(name: string | Buffer, content: string): Buffer {
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.write(content, 'latin1');
  return Buffer.concat([tarHeader(name, { size: content.length }), body]);
}

export const TAR_END = Buffer.alloc(1024);

function markerIn(command: string): string {
  const found = new RegExp(`${MARKER.before}[0-9a-f]{${MARKER.hexDigits}}${MARKER.after}`).exec(command);
  if (found === null) throw new Error(`no marker in ${command}`);
  return found[0];
}
