import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../../coolify/settings/settings.js';
import type { Secret } from '../../core/secret.js';
import { configFault } from '../../ssh/config/place.js';
import type { ResolvedHost } from '../../ssh/config/resolve.js';
import type { AuthenticationMethod, Endpoint } from '../../ssh/endpoint.js';
import { resolveSsh, type SshSurroundings } from './ssh-configuration.js';

export type AskPassphrase = (keyFile: string, attempt: number) => Promise<Secret | undefined>;

const CONNECT_TIMEOUT_SECONDS = 15;
const CONNECT_RETRIES = 3;
const KEEPALIVE_SECONDS = 10;

/**
 * How a host is reached: what its settings say, and for the rest what ssh's configuration says, for it and for each
 * host on the way.
 * @throws StateError `ssh-config.*` (kind `usage`)
 */
export function endpointOf(
  host: string,
  settings: Settings,
  ask: AskPassphrase | undefined,
  surroundings: SshSurroundings,
): Endpoint {
  const resolved = resolveSsh(host, settings, surroundings);
  const pins = settings.hostKeyFingerprints.value;
  const become = settings.become.value ?? resolved.user !== 'root';
  const password = settings.password.value;
  const becomePassword = settings.becomePassword.value;
  const whole = (name: string, hop: ResolvedHost, pinned: readonly string[]): Endpoint => ({
    host: name,
    ...wayTo(hop, surroundings),
    ...patience(hop, settings),
    pinnedFingerprints: pinned,
    hostKeyChecking: pinned.length > 0 ? 'strict' : checkingOf(hop, host),
    ...(ask !== undefined && { passphrase: ask }),
  });
  return {
    ...whole(host, resolved, pins),
    ...(resolved.jumps.length > 0 && { jumps: resolved.jumps.map((hop) => whole(hop.original, hop, [])) }),
    ...(password !== undefined && { password }),
    ...(become && {
      become: {
        user: settings.becomeUser.value,
        ...(becomePassword !== undefined && { password: becomePassword }),
      },
    }),
  };
}

type Way = Omit<
  Endpoint,
  'host' | 'pinnedFingerprints' | 'hostKeyChecking' | 'connectTimeoutMs' | 'connectRetries' | 'keepaliveMs'
>;

function wayTo(hop: ResolvedHost, { machine }: SshSurroundings): Way {
  const { identitiesOnly, addressFamily, bindAddress } = hop.options;
  const family = addressFamily?.value === 'inet' ? 4 : addressFamily?.value === 'inet6' ? 6 : undefined;
  const methods = methodsOf(hop);
  return {
    address: hop.host,
    port: hop.port,
    user: hop.user,
    identityFiles: hop.identityFiles ?? usualIdentities(machine.home),
    ...(hop.identityFiles === undefined && { agentFirst: true }),
    // Keys are written into the first: never into the system's, when the user has none.
    knownHostsFiles: [
      ...(hop.userKnownHostsFiles.length > 0 ? hop.userKnownHostsFiles : ['/dev/null']),
      ...hop.globalKnownHostsFiles,
    ],
    ...(hop.hostKeyAlias !== undefined && { hostKeyAlias: hop.hostKeyAlias }),
    ...(hop.identityAgent !== undefined && { agentSocket: hop.identityAgent }),
    ...(identitiesOnly?.value === true && { identitiesOnly: true }),
    ...(family !== undefined && { addressFamily: family }),
    ...(bindAddress !== undefined && { bindAddress: bindAddress.value }),
    ...(methods !== undefined && { methods }),
  };
}

/** A time of 0 leaves it to the system, which waits longer than anybody does: that is our default, too. */
function patience(
  { options }: ResolvedHost,
  { connectTimeout, connectRetries }: Settings,
): Pick<Endpoint, 'connectTimeoutMs' | 'connectRetries' | 'keepaliveMs' | 'keepaliveCountMax'> {
  const configured = options.connectTimeout?.value ?? 0;
  const timeout = connectTimeout.value ?? (configured > 0 ? configured : CONNECT_TIMEOUT_SECONDS);
  const attempts = options.connectionAttempts?.value;
  const count = options.serverAliveCountMax?.value;
  return {
    connectTimeoutMs: Math.min(timeout, LONGEST_SECONDS) * 1000,
    connectRetries: connectRetries.value ?? (attempts === undefined ? CONNECT_RETRIES : attempts - 1),
    keepaliveMs: Math.min(options.serverAliveInterval?.value ?? KEEPALIVE_SECONDS, LONGEST_SECONDS) * 1000,
    ...(count !== undefined && { keepaliveCountMax: count }),
  };
}

/** Longer times than timers can take. */
const LONGEST_SECONDS = 2_000_000;

/** Undefined when nothing is said: all there are, keys first. */
function methodsOf({ options }: ResolvedHost): AuthenticationMethod[] | undefined {
  const {
    preferredAuthentications,
    pubkeyAuthentication,
    passwordAuthentication,
    kbdInteractiveAuthentication,
  } = options;
  const all = ['publickey', 'password', 'keyboard-interactive'] as const;
  const allowed: Record<AuthenticationMethod, boolean | undefined> = {
    publickey: pubkeyAuthentication?.value,
    password: passwordAuthentication?.value,
    'keyboard-interactive': kbdInteractiveAuthentication?.value,
  };
  const preferred = preferredAuthentications?.value.flatMap((name) =>
    all.filter((method) => method === name.trim()),
  );
  if (preferred === undefined && all.every((method) => allowed[method] !== false)) return undefined;
  return [...new Set(preferred ?? all)].filter((method) => allowed[method] !== false);
}

/** @throws StateError `ssh-config.insecure` where keys would not be checked, or each time be new */
function checkingOf(
  { options, userKnownHostsFiles }: ResolvedHost,
  host: string,
): Endpoint['hostKeyChecking'] {
  const { strictHostKeyChecking: checking } = options;
  if (checking?.value === 'no') {
    throw configFault({
      code: 'insecure',
      place: checking.at,
      text: checking.text,
      what: 'StrictHostKeyChecking is off, and host keys are always checked',
      why: 'a backup carries every secret of the host through this connection',
      next: 'set ssh_host_key_checking: accept-new to write unknown keys down, or strict to refuse them, or pin coolify_host_key_fingerprint',
    }).onHost(host);
  }
  if (checking?.value !== 'accept-new') return 'strict';
  const [file] = userKnownHostsFiles;
  if (file !== undefined && file !== '/dev/null') return 'accept-new';
  const cause = options.userKnownHostsFile ?? checking;
  throw configFault({
    code: 'insecure',
    place: cause.at,
    text: cause.text,
    what: 'New host keys are to be accepted, and there is no file to write them down in',
    why: 'any key would be new each time, and never be checked',
    next: 'name a file in coolify_known_hosts_file, or pin coolify_host_key_fingerprint',
  }).onHost(host);
}

/** Those that ssh itself would try, as far as they are there and of a kind that can be used. */
function usualIdentities(home: string): string[] {
  return ['id_ed25519', 'id_ecdsa', 'id_rsa']
    .map((name) => join(home, '.ssh', name))
    .filter((path) => existsSync(path));
}
