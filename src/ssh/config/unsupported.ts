import { isIP } from 'node:net';
import { isNone } from './keyword-values.js';
import type { Found, Options } from './options.js';
import { matchesHostList } from './patterns.js';
import { configFault } from './place.js';

/**
 * Refuses what cannot be done here and would change where we connect, or whom we trust.
 * @throws StateError `ssh-config.unsupported`
 */
export function refuseUnsupported(options: Options, host: string): void {
  const { bindInterface, knownHostsCommand, revokedHostKeys } = options;
  if (bindInterface !== undefined) {
    throw unsupported(bindInterface, 'BindInterface', {
      why: 'the connection would leave by another interface',
      next: 'use BindAddress',
    });
  }
  if (knownHostsCommand !== undefined && !isNone(knownHostsCommand.value)) {
    throw unsupported(knownHostsCommand, 'KnownHostsCommand', {
      why: 'no command is run to find out which keys to trust',
      next: 'use UserKnownHostsFile, or set ansible_ssh_common_args: "-o KnownHostsCommand=none" to do without it',
    });
  }
  if (revokedHostKeys !== undefined && !isNone(revokedHostKeys.value)) {
    throw unsupported(revokedHostKeys, 'RevokedHostKeys', {
      why: 'passing over it could trust a key that was revoked',
      next: 'write the keys into known_hosts behind "@revoked *", or set ansible_ssh_common_args: "-o RevokedHostKeys=none"',
    });
  }
  refuseCanonicalization(options, host);
}

/** Names are not looked up to find out what they mean; where nothing could come of it, nothing is refused. */
function refuseCanonicalization(options: Options, host: string): void {
  const { canonicalizeHostname, canonicalDomains, canonicalizeMaxDots, canonicalizePermittedCnames } =
    options;
  const mode = canonicalizeHostname?.value ?? 'no';
  if (isIP(host) !== 0 || (mode !== 'always' && isProxied(options))) return;
  const dots = host.split('.').length - 1;
  const domains = canonicalDomains?.value ?? [];
  const next =
    'write the full name as HostName, or set ansible_ssh_common_args: "-o CanonicalizeHostname=no"';
  const why = 'names are not looked up to find out which host is meant';
  if (canonicalizeHostname !== undefined && mode !== 'no') {
    if (host.endsWith('.') || (domains.length > 0 && dots <= (canonicalizeMaxDots?.value ?? 1))) {
      throw unsupported(canonicalizeHostname, 'CanonicalizeHostname', { why, next });
    }
  }
  const rule = canonicalizePermittedCnames?.value.find((pair) =>
    matchesHostList(host, pair.split(':')[0] ?? ''),
  );
  if (canonicalizePermittedCnames !== undefined && rule !== undefined) {
    throw unsupported(canonicalizePermittedCnames, 'CanonicalizePermittedCNAMEs', {
      why,
      next: 'write the full name as HostName',
    });
  }
}

function isProxied({ proxyJump, proxyCommand }: Options): boolean {
  return (proxyJump?.value.length ?? 0) > 0 || (proxyCommand !== undefined && !isNone(proxyCommand.value));
}

function unsupported(
  { at, text }: Found<unknown>,
  keyword: string,
  facts: { readonly why: string; readonly next: string },
): Error {
  return configFault({ code: 'unsupported', place: at, text, what: `${keyword} is not supported`, ...facts });
}
