import type { Endpoint } from './endpoint.js';
import { type HostKey, knownHostsName } from './host-key.js';
import {
  hostKeyChanged,
  hostKeyNotPinned,
  hostKeyRevoked,
  hostKeyUncheckable,
  hostKeyUnknown,
} from './host-key-failures.js';
import {
  checkHostKey,
  entriesFor,
  HOST_KEY_ALGORITHMS,
  type HostKeyAlgorithm,
  type HostName,
  hostKeyAlgorithms,
  type KnownHost,
  keyTypeOf,
} from './known-hosts.js';

export interface HostKeyPolicy {
  /** What to ask the host for, in order of preference. */
  readonly algorithms: readonly HostKeyAlgorithm[];
  /**
   * Decides about a presented key: `trusted`, or `new` when it may be written down.
   * @throws StateError `ssh.host-key-unknown`, `-changed`, `-revoked`, `-not-pinned`, `-uncheckable`
   */
  judge(key: HostKey): 'trusted' | 'new';
}

/**
 * What an endpoint's settings and the known keys say about trust in its host key. `certified` is the key that a known
 * authority vouches for: if there is one, the host is asked for it.
 */
export function hostKeyPolicy(
  endpoint: Endpoint,
  known: readonly KnownHost[],
  certified?: HostKey,
): HostKeyPolicy {
  const name = hostNameOf(endpoint);
  const pins = endpoint.pinnedFingerprints.map(normalised);
  const wanted = (): readonly HostKeyAlgorithm[] => {
    if (pins.length > 0) return HOST_KEY_ALGORITHMS;
    if (certified) return HOST_KEY_ALGORITHMS.filter((algorithm) => keyTypeOf(algorithm) === certified.type);
    const { exact, bare } = entriesFor(known, name);
    return hostKeyAlgorithms(exact.length > 0 ? exact : bare);
  };
  return {
    algorithms: wanted(),
    judge(key) {
      const verdict = checkHostKey(known, name, key);
      if (verdict.verdict === 'revoked') throw hostKeyRevoked(endpoint, key, verdict.entry);
      if (pins.length > 0) {
        if (pins.includes(key.fingerprint)) return 'trusted';
        throw hostKeyNotPinned(endpoint, key);
      }
      if (certified?.blob.equals(key.blob)) return 'trusted';
      switch (verdict.verdict) {
        case 'match':
          return 'trusted';
        case 'changed':
          throw hostKeyChanged(endpoint, key, verdict.known, nameOf(name));
        case 'certificate-only':
          throw hostKeyUncheckable(endpoint, key, verdict.entry);
        case 'unknown':
          if (endpoint.hostKeyChecking === 'accept-new') return 'new';
          throw hostKeyUnknown(endpoint, key, nameOf(name));
      }
    },
  };
}

/** The name under which an endpoint's keys stand in known_hosts. */
export function knownNameOf(endpoint: Endpoint): string {
  return nameOf(hostNameOf(endpoint));
}

/** The host to look up in known_hosts for an endpoint. */
export function hostNameOf({ address, port, hostKeyAlias }: Endpoint): HostName {
  return { address, port, ...(hostKeyAlias !== undefined && { alias: hostKeyAlias }) };
}

function nameOf({ address, port, alias }: HostName): string {
  return alias ?? knownHostsName(address, port);
}

/** With or without the prefix, with or without padding. */
function normalised(fingerprint: string): string {
  return `SHA256:${fingerprint
    .trim()
    .replace(/^SHA256:/i, '')
    .replace(/={1,2}$/, '')}`;
}
