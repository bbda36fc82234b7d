import { type FailureFacts, StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import { quote } from './command.js';
import type { Endpoint } from './endpoint.js';
import type { HostCertificate } from './host-certificate.js';
import type { HostKey } from './host-key.js';
import type { KnownHost } from './known-hosts.js';
import { knownHostsLine } from './known-hosts-file.js';

/** Refusals of a host key. Each shows the fingerprint and says what to do, because guessing is dangerous here. */

export function hostKeyUnknown(endpoint: Endpoint, key: HostKey, name: string): StateError {
  const file = endpoint.knownHostsFiles[0];
  return refusal(endpoint, {
    code: 'ssh.host-key-unknown',
    what: `The host key of ${endpoint.host} is not known`,
    why: `${addressOf(endpoint)} presents the ${key.type} key ${key.fingerprint}, and ${
      file === undefined
        ? 'no known_hosts file is given'
        : `no entry in ${endpoint.knownHostsFiles.join(', ')} is for it`
    }`,
    next:
      file === undefined
        ? `compare the fingerprint with the host's own (\`ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub\`), then pin it: coolify_host_key_fingerprint: '${key.fingerprint}'`
        : `compare the fingerprint with the host's own (\`ssh-keygen -lf\` on its /etc/ssh/ssh_host_*_key.pub); if it is right: echo ${quote(knownHostsLine(name, key))} >> ${quote(file)}`,
  });
}

export function hostKeyChanged(
  endpoint: Endpoint,
  key: HostKey,
  known: readonly KnownHost[],
  name: string,
): StateError {
  const listed = known.map(
    (entry) => `${entry.key.type} ${entry.key.fingerprint} (${entry.file}:${entry.line})`,
  );
  const file = known[0]?.file ?? endpoint.knownHostsFiles[0] ?? '';
  return refusal(endpoint, {
    code: 'ssh.host-key-changed',
    what: `THE HOST KEY OF ${endpoint.host} HAS CHANGED: somebody may be listening in, or the host was reinstalled`,
    why: `${addressOf(endpoint)} presents ${key.type} ${key.fingerprint}; known is ${listed.join(', ')}`,
    next: `ask whoever runs the host. Only if it was reinstalled: ssh-keygen -R ${quote(name)} -f ${quote(file)}, then connect again`,
  });
}

export function hostKeyRevoked(endpoint: Endpoint, key: HostKey, entry: KnownHost): StateError {
  return refusal(endpoint, {
    code: 'ssh.host-key-revoked',
    what: `The host key of ${endpoint.host} is marked as revoked`,
    why: `${addressOf(endpoint)} presents ${key.type} ${key.fingerprint}, which ${entry.file}:${entry.line} revokes`,
    next: 'give the host a new key; a revoked one must not be trusted',
  });
}

export function hostKeyNotPinned(endpoint: Endpoint, key: HostKey): StateError {
  return refusal(endpoint, {
    code: 'ssh.host-key-not-pinned',
    what: `The host key of ${endpoint.host} is not the pinned one`,
    why: `${addressOf(endpoint)} presents ${key.type} ${key.fingerprint}; pinned is ${endpoint.pinnedFingerprints.join(', ')}`,
    next: 'ask whoever runs the host; correct coolify_host_key_fingerprint only when the new key is known to be right',
  });
}

export function hostKeyUncheckable(endpoint: Endpoint, key: HostKey, entry: KnownHost): StateError {
  return refusal(endpoint, {
    code: 'ssh.host-key-uncheckable',
    what: `${endpoint.host} shows no certificate of an authority that is known for it`,
    why: `${entry.file}:${entry.line} knows it by @cert-authority alone; the host presents the plain key ${key.type} ${key.fingerprint}`,
    next: `check HostCertificate in the sshd_config of the host; or add its plain key to known_hosts, or pin it: coolify_host_key_fingerprint: '${key.fingerprint}'`,
  });
}

export function hostCertificateInvalid(
  endpoint: Endpoint,
  { key, keyId }: HostCertificate,
  entry: KnownHost,
  problem: string,
): StateError {
  return refusal(endpoint, {
    code: 'ssh.host-certificate-invalid',
    what: `The certificate of the host key of ${endpoint.host} does not vouch for it`,
    why: printable(
      `${problem} (certificate "${keyId}" of ${key.type} ${key.fingerprint}, by the authority of ${entry.file}:${entry.line})`,
    ),
    next: 'have the authority sign the host key anew (ssh-keygen -s CA -h -n NAME), and restart its sshd',
  });
}

function addressOf({ address, port }: Endpoint): string {
  return `${address} port ${port}`;
}

function refusal(
  { host }: Endpoint,
  facts: Pick<FailureFacts, 'code' | 'what' | 'why' | 'next'>,
): StateError {
  return new StateError({ kind: 'unreachable', host, ...facts });
}
