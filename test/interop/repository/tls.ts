import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer, type TlsOptions } from 'node:tls';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** An authority of one's own in `folder/ca.pem`, and what a server of the name needs to be trusted by it. */
export async function authority(
  folder: string,
  name: string,
): Promise<{ readonly caFile: string; readonly server: TlsOptions }> {
  const file = (basename: string) => join(folder, basename);
  const [caFile, caKey, request, key, cert, extensions] = [
    ...['ca.pem', 'ca.key', 'server.csr', 'server.key', 'server.pem', 'server.ext'].map(file),
  ] as const;
  const openssl = async (...args: readonly (string | undefined)[]) => {
    await run(
      'openssl',
      args.map((arg) => arg ?? ''),
    );
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    caKey,
    '-out',
    caFile,
    '-subj',
    '/CN=Test CA',
    '-days',
    '2',
  );
  await openssl('req', '-new', ...newKey, '-keyout', key, '-out', request, '-subj', `/CN=${name}`);
  await writeFile(extensions ?? '', `subjectAltName=DNS:${name}\n`);
  await openssl(
    ...['x509', '-req', '-in', request, '-CA', caFile, '-CAkey', caKey, '-CAcreateserial'],
    ...['-out', cert, '-days', '2', '-extfile', extensions],
  );
  return {
    caFile: caFile ?? '',
    server: { key: await readFile(key ?? ''), cert: await readFile(cert ?? '') },
  };
}

/** Takes TLS off and passes what is inside on to a port of this machine. */
export async function startTlsFront(
  options: TlsOptions,
  port: number,
): Promise<{ port: number; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer(options, (outer) => {
    const inner = connect({ host: '127.0.0.1', port });
    for (const socket of [outer, inner]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    outer.on('close', () => inner.destroy());
    inner.on('close', () => outer.destroy());
    outer.pipe(inner);
    inner.pipe(outer);
  });
  server.on('tlsClientError', () => {});
  return { port: await listening(server), stop: () => stopped(server, sockets) };
}

export function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

export function stopped(server: Server, sockets: Iterable<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
}
