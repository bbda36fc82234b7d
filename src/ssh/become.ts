import { StateError } from '../core/errors.js';
import { lastLines, printable } from '../core/terminal-text.js';
import { type RemoteCommand, script } from './command.js';
import type { Become } from './endpoint.js';

/**
 * The arguments that run `argv` as another user. The password is not among them: sudo reads it from standard input
 * when it has printed `prompt`. Without a password sudo is told not to ask.
 */
export function sudoArguments(
  { user, password }: Become,
  prompt: string,
  argv: readonly string[],
): [string, ...string[]] {
  const asking = password === undefined ? ['-n'] : ['-S', '-p', prompt];
  return ['env', 'LC_ALL=C', 'sudo', '-H', ...asking, '-u', user, '--', ...argv];
}

/** Tells the uids of the login user and of another, a line each: whether there is anybody to become. */
export function userIds(other: string): RemoteCommand {
  return script('id -u; id -u -- "$1" 2>/dev/null || :', other);
}

/** What is known when a command was not run as the other user. */
export interface BecomeFailure {
  readonly host: string;
  readonly loginUser: string;
  readonly become: Become;
  /** Printable form of the command. */
  readonly command: string;
  readonly code: number | undefined;
  /** All that sudo said. */
  readonly stderr: string;
  /** How often it asked for the password. */
  readonly prompts: number;
}

/** Says what sudo, or sudo-rs, objected to. Their messages are in English because the locale is C. */
export function becomeFailure(facts: BecomeFailure): StateError {
  const { host, command, stderr, prompts } = facts;
  const login = printable(facts.loginUser);
  const user = printable(facts.become.user);
  const detail = printable(lastLines(stderr), { multiline: true });
  const fail = (code: string, what: string, why: string, next: string): StateError =>
    new StateError({ kind: 'failed', code, host, what, why, next, ...(detail !== '' && { detail }) });

  if (
    /not allowed to (execute|run)|not in the sudoers|user \S+ may not run |I'm afraid I can't do that/.test(
      stderr,
    )
  ) {
    return fail(
      'ssh.become-denied',
      `${login} may not run this as ${user} on ${host}: ${command}`,
      'sudo refuses it',
      `allow ${login} to run sh as ${user} in the sudoers of that host, or log in as ${user}`,
    );
  }
  if (prompts > 1 || /incorrect (password|authentication)|Authentication fail/i.test(stderr)) {
    return fail(
      'ssh.become-password-wrong',
      `The sudo password for ${login} on ${host} is wrong`,
      'sudo does not take it',
      'check ansible_become_password',
    );
  }
  if (/terminal is required|must have a tty|no tty present/.test(stderr)) {
    return fail(
      'ssh.become-needs-terminal',
      `sudo on ${host} runs nothing for ${login} without a terminal`,
      'requiretty is on',
      'turn requiretty off for this user in the sudoers of that host',
    );
  }
  if (/(password|interactive authentication) is required/.test(stderr)) {
    return fail(
      'ssh.become-password-missing',
      `sudo on ${host} wants a password from ${login}`,
      'none is given',
      'set ansible_become_password, or allow it without (NOPASSWD)',
    );
  }
  if (/unknown user|user '.*' not found/.test(stderr)) {
    return fail(
      'ssh.become-user-unknown',
      `There is no user ${user} on ${host}`,
      'sudo does not know it',
      'check ansible_become_user',
    );
  }
  if (/sudo.*(not found|No such file)/i.test(stderr)) {
    return fail(
      'ssh.become-missing',
      `${host} has no sudo`,
      `${login} needs it to become ${user}`,
      `install sudo there, or log in as ${user}`,
    );
  }
  return fail(
    'ssh.become-failed',
    `${login} could not become ${user} on ${host} to run: ${command}`,
    `sudo ended with status ${facts.code ?? 'unknown'}`,
    'try `sudo` by hand on that host',
  );
}

/** sudo is waiting for something that is not our prompt. */
export function becomeTimeout(facts: Omit<BecomeFailure, 'code' | 'prompts'>): StateError {
  const detail = printable(lastLines(facts.stderr), { multiline: true });
  return new StateError({
    kind: 'failed',
    code: 'ssh.become-timeout',
    host: facts.host,
    what: `sudo on ${facts.host} neither ran the command nor refused it: ${facts.command}`,
    why: 'it may be asking for more than a password',
    next: 'try `sudo` by hand on that host',
    ...(detail !== '' && { detail }),
  });
}
