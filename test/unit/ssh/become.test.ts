import { describe, expect, test } from 'vitest';
import { Secret } from '../../../src/core/secret.js';
import { becomeFailure, becomeTimeout, sudoArguments } from '../../../src/ssh/become.js';

const PASSWORD = new Secret('hunter2');

describe('the arguments of sudo', () => {
  test('never contain the password', () => {
    const argv = sudoArguments({ user: 'root', password: PASSWORD }, '@prompt@', ['sh']);
    expect(argv).toEqual(['env', 'LC_ALL=C', 'sudo', '-H', '-S', '-p', '@prompt@', '-u', 'root', '--', 'sh']);
  });

  test('forbid asking when there is none', () => {
    expect(sudoArguments({ user: 'root' }, '@prompt@', ['sh'])).toContain('-n');
  });
});

describe('what sudo objects to', () => {
  test.each([
    ['Sorry, user jo is not allowed to execute "/bin/sh" as root on h.', 1, 'ssh.become-denied'],
    ['jo is not in the sudoers file.  This incident will be reported.', 1, 'ssh.become-denied'],
    ['Sorry, user jo may not run sudo on h.', 0, 'ssh.become-denied'],
    ['Sorry, try again.\n', 2, 'ssh.become-password-wrong'],
    ['sudo: 1 incorrect password attempt', 1, 'ssh.become-password-wrong'],
    ['sudo: a password is required', 0, 'ssh.become-password-missing'],
    ["sudo: I'm sorry jo. I'm afraid I can't do that", 1, 'ssh.become-denied'],
    ['sudo: Sorry, user jo may not run /usr/bin/sh on h.', 0, 'ssh.become-denied'],
    ['sudo: interactive authentication is required', 0, 'ssh.become-password-missing'],
    ['sudo: Maximum 3 incorrect authentication attempts', 1, 'ssh.become-password-wrong'],
    ["sudo: user 'nobody-at-all' not found", 0, 'ssh.become-user-unknown'],
    ['sudo: sorry, you must have a tty to run sudo', 0, 'ssh.become-needs-terminal'],
    ['sudo: a terminal is required to read the password', 0, 'ssh.become-needs-terminal'],
    ['sudo: unknown user: nobody-at-all', 0, 'ssh.become-user-unknown'],
    ['sudo: unknown user nobody-at-all', 0, 'ssh.become-user-unknown'],
    ['env: ‘sudo’: No such file or directory', 0, 'ssh.become-missing'],
    ['something nobody has thought of', 0, 'ssh.become-failed'],
  ])('%s', (stderr, prompts, code) => {
    const error = becomeFailure({
      host: 'h',
      loginUser: 'jo',
      become: { user: 'root', password: PASSWORD },
      command: 'cat /etc/shadow',
      code: 1,
      stderr,
      prompts,
    });
    expect(error).toMatchObject({
      kind: 'failed',
      code,
      host: 'h',
      detail: expect.stringContaining(stderr.trim()),
    });
    expect(error.next).toBeDefined();
    expect(JSON.stringify(error.facts())).not.toContain('hunter2');
  });

  test('is not known when it hangs, but what it said is shown safely', () => {
    const error = becomeTimeout({
      host: 'h',
      loginUser: 'jo',
      become: { user: 'root' },
      command: 'id',
      stderr: 'One-time code: \u001b[2J',
    });
    expect(error).toMatchObject({ code: 'ssh.become-timeout', detail: 'One-time code: \\x1b[2J' });
  });
});
