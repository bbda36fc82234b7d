import { describe, expect, it } from 'vitest';
import { backupCommands } from '../../../src/coolify/backup-commands.js';
import { VALUE } from '../../../src/coolify/host-command.js';
import { layoutOf } from '../../../src/coolify/layout.js';
import { authorizedKeysLine, sudoersRule } from '../../../src/operations/schedule/host-policy.js';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDG6tQ35X0Bmk the backup machine';

describe('the line for authorized_keys', () => {
  it('restricts the key to the gate, by sudo for another user than root', () => {
    const gate = '/usr/local/sbin/coolify-state-gate';
    expect(authorizedKeysLine(`${KEY}\n`, { user: 'root' })).toBe(`restrict,command="${gate}" ${KEY}`);
    expect(authorizedKeysLine(KEY, { user: 'backup' })).toBe(`restrict,command="sudo -n ${gate}" ${KEY}`);
  });

  it.each(['', 'no key', `${KEY}\n${KEY}`, `command="id" ${KEY}`, '-----BEGIN OPENSSH PRIVATE KEY-----'])(
    'is not written for %j',
    (text) => {
      expect(() => authorizedKeysLine(text, { user: 'root' })).toThrow(
        expect.objectContaining({ kind: 'usage', code: 'host-policy.key-invalid' }),
      );
    },
  );
});

describe('the rule for sudo', () => {
  it('is for one user, one program and no arguments', () => {
    const lines = sudoersRule('backup').split('\n').slice(1);
    expect(lines).toEqual([
      'Defaults!/usr/local/sbin/coolify-state-gate env_keep += "SSH_ORIGINAL_COMMAND"',
      'backup ALL=(root) NOPASSWD: /usr/local/sbin/coolify-state-gate ""',
    ]);
  });

  it.each(['ALL', 'BACKUP_USERS', '%wheel', 'a b', 'x ALL=(ALL) ALL\ny', '#0', ''])(
    'is not written for the user %j',
    (user) => {
      expect(() => sudoersRule(user)).toThrow(expect.objectContaining({ code: 'host-policy.user-odd' }));
    },
  );
});

it('the commands of a backup have one value that varies at most, and extra paths only where there are some', () => {
  const layout = layoutOf({ dataPath: '/data/coolify', installScript: '/i', databaseContainer: 'db' });
  const access = { container: 'db', user: 'coolify', database: 'coolify' };
  const commands = (extraPaths: string[]) =>
    backupCommands({ layout, access, extraPaths, dumpCompression: 0 });
  for (const { command, value } of commands(['/srv'])) {
    const values = command.argv.join(' ').split(VALUE).length - 1;
    expect(values).toBe(value === undefined ? 0 : 1);
  }
  expect(commands(['/srv']).length).toBe(commands([]).length + 1);
});
