import type { Duplex } from 'node:stream';
import { silent } from './connect-failures.js';
import type { Endpoint } from './endpoint.js';
import { CERTIFICATE_ALGORITHMS, certificateProblem, readHostCertificate } from './host-certificate.js';
import type { HostKey } from './host-key.js';
import { hostCertificateInvalid, hostKeyRevoked } from './host-key-failures.js';
import { hostNameOf } from './host-key-policy.js';
import { authoritiesFor, entriesFor, type KnownHost } from './known-hosts.js';
import { PlainExchange } from './plain-exchange.js';

/**
 * The key that an authority of known_hosts (`@cert-authority`) vouches for. ssh2 cannot negotiate certificates, so
 * the host is asked for its certificate first, over a connection of its own that is given up once it has come. That
 * is sound: the authority's signature binds the key to the name, and the connection that follows is accepted only
 * when the host proves to have this very key.
 * @returns undefined when no authority is known for the host, or it shows no certificate of one
 * @throws StateError `ssh.host-certificate-invalid`, `ssh.host-key-revoked`, `ssh.silent`, `ssh.handshake-timeout`; what
 * `open` throws; the signal's reason
 */
export async function certifiedKey(
  endpoint: Endpoint,
  known: readonly KnownHost[],
  open: () => Promise<Duplex>,
  signal: AbortSignal,
): Promise<HostKey | undefined> {
  const name = hostNameOf(endpoint);
  const authorities = authoritiesFor(known, name);
  if (authorities.length === 0 || endpoint.pinnedFingerprints.length > 0) return undefined;
  const blob = await presentedCertificate(endpoint, await open(), signal);
  const certificate = blob && readHostCertificate(blob);
  if (!certificate) return undefined;
  const entry = authorities.find(({ key }) => key.blob.equals(certificate.authority.blob));
  if (!entry) return undefined;
  const { exact, bare } = entriesFor(known, name);
  const revoked = [...exact, ...bare].find(
    ({ marker, key }) => marker === 'revoked' && key.blob.equals(certificate.authority.blob),
  );
  if (revoked) throw hostKeyRevoked(endpoint, certificate.authority, revoked);
  const problem = certificateProblem(certificate, name.alias ?? name.address, Date.now() / 1000);
  if (problem !== undefined) throw hostCertificateInvalid(endpoint, certificate, entry, problem);
  return certificate.key;
}

/** What a host shows when certificates are all that is asked for; undefined when it has none. */
async function presentedCertificate(
  endpoint: Endpoint,
  socket: Duplex,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const exchange = new PlainExchange(CERTIFICATE_ALGORITHMS);
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  try {
    return await new Promise<Buffer | undefined>((resolve, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      timer = setTimeout(() => reject(silent(endpoint, exchange.greeted)), endpoint.connectTimeoutMs);
      // A connection that breaks here breaks again when logging in, where it is told properly.
      for (const event of ['error', 'close', 'end']) socket.on(event, () => resolve(undefined));
      socket.on('data', (chunk: Buffer) => {
        const outcome = exchange.hear(chunk);
        if (outcome === 'nothing') resolve(undefined);
        else if (outcome && 'send' in outcome) socket.write(outcome.send);
        else if (outcome) resolve(outcome.hostKey);
      });
      socket.write(exchange.start());
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}
