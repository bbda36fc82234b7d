import { describe, expect, test } from 'vitest';
import { StateError } from '../../../../src/core/errors.js';
import { parseArguments, type SshArguments } from '../../../../src/ssh/config/arguments.js';

const PATHS = { cwd: '/srv', home: '/home/me' };

function linesOf(text: string): string[] {
  return parseArguments(text, 'ansible_ssh_common_args', PATHS).lines.map(
    ({ keyword, words }) => `${keyword} ${words.join('|')}`,
  );
}

function choiceOf(text: string): SshArguments['choice'] {
  return parseArguments(text, 'ansible_ssh_common_args', PATHS).choice;
}

describe('arguments for ssh', () => {
  test.each([
    ['-o User=x', ['user x']],
    ['-oUser=x -o"Port 5"', ['user x', 'port 5']],
    ['-o \'UserKnownHostsFile=/a "/b c"\'', ['userknownhostsfile /a|/b c']],
    ['-J a,b@c:4', ['proxyjump a,b@c:4']],
    ['-Ja', ['proxyjump a']],
    ['-i "/my key" -p 22 -l me', ['identityfile /my key', 'port 22', 'user me']],
    ['-4 -6', ['addressfamily inet', 'addressfamily inet6']],
    ['-b 10.0.0.1 -B eth0 -P prod', ['bindaddress 10.0.0.1', 'bindinterface eth0', 'tag prod']],
    ['-qCTp 5', ['port 5']],
    [
      '-C -o ControlMaster=auto -o ControlPersist=60s -o ControlPath="/tmp/%C"',
      ['controlmaster auto', 'controlpersist 60s', 'controlpath /tmp/%C'],
    ],
    ['-c aes128-ctr -m hmac-sha2-256 -e none -E /dev/null -S none -vvv', []],
    ['', []],
    ['  \n ', []],
  ])('%s', (text, lines) => {
    expect(linesOf(text)).toEqual(lines);
  });

  test('name another file of the configuration, or none', () => {
    expect(choiceOf('-F none')).toBe('none');
    expect(choiceOf('-F ssh/config')).toEqual({ file: '/srv/ssh/config' });
    expect(choiceOf('-F ~/other')).toEqual({ file: '/home/me/other' });
    expect(choiceOf('-F/abs')).toEqual({ file: '/abs' });
    expect(choiceOf('-v')).toBeUndefined();
  });

  test.each([
    ['-L 8080:localhost:80', '-L is not supported'],
    ['-R 1:a:2', '-R is not supported'],
    ['-D 1080', '-D is not supported'],
    ['-N', '-N is not supported'],
    ['-f', '-f is not supported'],
    ['-w 0:0', '-w is not supported'],
    ['-W %h:%p', '-W is not supported here'],
    ['--verbose', '-- is not supported'],
    ['web', '"web" is no option'],
    ['-- web', '"web" is no option'],
    ['-o', '-o has no value'],
    ['-o "User=x', 'a quote is not closed'],
    ['-p', '-p has no value'],
  ])('are refused by name: %s', (text, why) => {
    expect(fault(text)).toMatchObject({
      kind: 'usage',
      code: 'ssh-config.arguments',
      what: 'The arguments for ssh in ansible_ssh_common_args are not understood',
      why,
      next: expect.any(String),
      detail: text,
    });
  });

  test('name the variable where an option is wrong', () => {
    expect(fault('-o "User"')).toMatchObject({
      code: 'ssh-config.invalid',
      what: 'ansible_ssh_common_args: User has no argument',
    });
  });
});

function fault(text: string): StateError {
  try {
    linesOf(text);
  } catch (error) {
    if (error instanceof StateError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
