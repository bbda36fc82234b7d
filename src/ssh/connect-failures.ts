import { errnoOf, messageOf, StateError } from '../core/errors.js';
import { lastLines, printable } from '../core/terminal-text.js';
import type { AuthenticationLog } from './authentication.js';
import type { Endpoint } from './endpoint.js';

/** Why a connection did not come about; each way of failing has its own code and next step. */

/** TCP did not connect. */
export function tcpFailure(endpoint: Endpoint, error: unknown): StateError {
  // Several addresses were tried: the first one's reason stands for all.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const errno = errnoOf(first) ?? '';
  const at = `${endpoint.address} port ${endpoint.port}`;
  if (errno === 'ECONNREFUSED') {
    return unreachable(endpoint, {
      code: 'ssh.refused',
      what: `${endpoint.host} refuses connections`,
      why: `nothing listens on ${at}`,
      next: 'check that sshd runs there, and ansible_port',
      cause: error,
    });
  }
  if (errno === 'ENOTFOUND' || errno === 'EAI_AGAIN') {
    return unreachable(endpoint, {
      code: 'ssh.name-unknown',
      what: `The address of ${endpoint.host} cannot be found`,
      why: `"${printable(endpoint.address)}" has no entry in the name service (${errno})`,
      next: 'check ansible_host',
      cause: error,
    });
  }
  return unreachable(endpoint, {
    code: 'ssh.unreachable',
    what: `${endpoint.host} cannot be reached`,
    why: `${at}: ${messageOf(first)}`,
    next: 'check the network, and ansible_host',
    cause: error,
  });
}

export function tcpTimeout(endpoint: Endpoint): StateError {
  return unreachable(endpoint, {
    code: 'ssh.connect-timeout',
    what: `${endpoint.host} does not answer`,
    why: `no connection to ${endpoint.address} port ${endpoint.port} within ${seconds(endpoint.connectTimeoutMs)}`,
    next: 'check the network, a firewall on the way, and ansible_host',
  });
}

/** TCP connected, but the conversation stopped before anybody could log in. */
export function silent(endpoint: Endpoint, hasGreeted: boolean): StateError {
  if (!hasGreeted) {
    return unreachable(endpoint, {
      code: 'ssh.silent',
      what: `${endpoint.host} accepts connections and says nothing`,
      why: `no SSH greeting from ${endpoint.address} port ${endpoint.port} within ${seconds(endpoint.connectTimeoutMs)}`,
      next: 'check that this port is sshd, and that the host is not overloaded',
    });
  }
  return unreachable(endpoint, {
    code: 'ssh.handshake-timeout',
    what: `${endpoint.host} stopped answering while the connection was set up`,
    why: `nothing more came within ${seconds(endpoint.connectTimeoutMs)}`,
    next: 'check the load of the host, and the network (a wrong MTU looks like this)',
  });
}

/** The handshake was done, and the server did not come to a decision about us. */
export function loginTimeout(endpoint: Endpoint, { tried }: AuthenticationLog, limitMs: number): StateError {
  return unreachable(endpoint, {
    code: 'ssh.login-timeout',
    what: `${endpoint.host} did not finish logging ${printable(endpoint.user)} in`,
    why: printable(`no answer within ${seconds(limitMs)}; tried so far: ${tried.join('; ') || 'nothing'}`),
    next: 'look at the log of its sshd; a directory service or a name service that hangs looks like this',
  });
}

/** The server takes the password and wants another one instead. */
export function passwordExpired(endpoint: Endpoint): StateError {
  return unreachable(endpoint, {
    code: 'ssh.password-expired',
    what: `The password of ${printable(endpoint.user)} on ${endpoint.host} has expired`,
    why: 'the server asks for a new one',
    next: 'log in by hand and change it, or log in with a key',
  });
}

/** ssh2 gave up before logging in. `greeting` is the beginning of what the other side said. */
export function handshakeFailure(endpoint: Endpoint, error: unknown, greeting: string): StateError {
  const message = messageOf(error);
  if (/no matching/i.test(message)) {
    return unreachable(endpoint, {
      code: 'ssh.no-common-algorithm',
      what: `${endpoint.host} and this program have no algorithm in common`,
      why: message,
      next: 'update the sshd there, or allow current algorithms in its sshd_config',
      cause: error,
    });
  }
  const says = printable(greeting.split('\n')[0]?.trim().slice(0, 60) ?? '');
  // sshd itself says only these without its version first.
  const turnedAway = /^(Exceeded MaxStartups|Not allowed at this time)/.test(greeting);
  if (greeting !== '' && !turnedAway && !/^SSH-2/m.test(greeting)) {
    return unreachable(endpoint, {
      code: 'ssh.not-ssh',
      what: `${endpoint.address} port ${endpoint.port} does not speak SSH`,
      why: `it says "${says}"`,
      next: 'check ansible_port',
      cause: error,
    });
  }
  return unreachable(endpoint, {
    code: 'ssh.closed-early',
    what: `${endpoint.host} closed the connection before logging in`,
    why: greeting === '' ? 'it said nothing' : turnedAway ? `it says "${says}"` : message,
    next: "look at the host's sshd log: too many connections (MaxStartups), a ban (fail2ban), or a broken configuration",
    cause: error,
  });
}

/**
 * The connection broke while logging in. Once the server has got a password this has a code of its own, because it
 * must not be given again and again: that locks accounts.
 */
export function closedDuringLogin(
  endpoint: Endpoint,
  { tried, passwordSent, banner }: AuthenticationLog,
  cause: unknown,
): StateError {
  return unreachable(endpoint, {
    code: passwordSent ? 'ssh.closed-during-login' : 'ssh.closed-early',
    detail: bannerText(banner),
    what: `${endpoint.host} closed the connection while ${printable(endpoint.user)} was logging in`,
    why: printable(
      [
        ...(cause === undefined ? [] : [messageOf(cause)]),
        `tried so far: ${tried.join('; ') || 'nothing'}`,
      ].join('; '),
    ),
    next: "look at the host's sshd log",
    cause,
  });
}

/** Every key and password was refused. */
export function authenticationFailure(
  endpoint: Endpoint,
  { tried, accepted, banner }: AuthenticationLog,
  cause?: unknown,
): StateError {
  const why = tried.length === 0 ? 'there was no key and no password to try' : `tried ${tried.join('; ')}`;
  const server = accepted.length === 0 ? '' : ` (the server takes ${accepted.join(', ')})`;
  const tooMany = cause !== undefined && /too many/i.test(messageOf(cause));
  return unreachable(endpoint, {
    code: 'ssh.auth-failed',
    detail: bannerText(banner),
    what: `${endpoint.host} does not let ${printable(endpoint.user)} in`,
    why: printable(`${why}${server}${cause === undefined ? '' : `; then: ${messageOf(cause)}`}`),
    next: tooMany
      ? 'name the right key in ansible_ssh_private_key_file: the agent offers more keys than the server has patience for'
      : `check ansible_user and ansible_ssh_private_key_file, and that the public key stands in that user's authorized_keys`,
    ...(cause !== undefined && { cause }),
  });
}

export function seconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${Math.round(milliseconds / 100) / 10} s`;
}

function unreachable(
  { host }: Endpoint,
  {
    detail,
    ...facts
  }: { code: string; what: string; why: string; next: string; detail?: string | undefined; cause?: unknown },
): StateError {
  return new StateError({ kind: 'unreachable', host, ...facts, ...(detail !== undefined && { detail }) });
}

/** What the server said to the user, such as that it is restarting or that the account is closed. */
function bannerText(banner: string): string | undefined {
  const text = printable(lastLines(banner), { multiline: true });
  return text === '' ? undefined : text;
}
