import { describe, expect, it } from 'vitest';
import { recipientSourcesOf } from '../../../src/coolify/settings/recipients.js';
import type { SettingSource } from '../../../src/coolify/settings/settings.js';
import { RECIPIENTS } from '../../../src/coolify/settings/types.js';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFy me';
const AGE = 'age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq';
const context = { env: { HOME: '/home/me' }, cwd: '/srv', base: '/base' };
const parse = (raw: unknown): readonly string[] | undefined => RECIPIENTS.parse(raw, context);

describe('a list of recipients in the inventory', () => {
  it('holds keys as they are and paths of files', () => {
    expect(parse([KEY, AGE, '~/team.keys', 'keys/ops.pub'])).toEqual([
      KEY,
      AGE,
      '/home/me/team.keys',
      '/srv/keys/ops.pub',
    ]);
  });

  it('may be one text: a key with options, lines, or several with commas between', () => {
    const options = `from="10.0.0.0/8,192.168.0.0/16" ${KEY}`;
    expect(parse(options)).toEqual([options]);
    expect(parse(`${KEY}\n# the others\n${AGE}\n`)).toEqual([`${KEY}\n# the others\n${AGE}`]);
    expect(parse(`${AGE}, ${KEY},~/x.pub`)).toEqual([AGE, KEY, '/home/me/x.pub']);
  });

  it('is refused with something else in it', () => {
    expect(parse([KEY, ''])).toBeUndefined();
    expect(parse([{ key: KEY }])).toBeUndefined();
  });
});

describe('for whom snapshots are encrypted', () => {
  const entry = <Value>(name: string, value: Value, source: SettingSource) => ({ name, value, source });
  const sources = (listed: readonly string[], source: SettingSource) =>
    recipientSourcesOf({
      encryptionKeyPath: entry('coolify_backup_encryption_key_path', '/home/me/.ssh/hostuk', source),
      recipients: entry('coolify_backup_recipients', listed, { kind: 'default' }),
    });
  const said: SettingSource = { kind: 'environment', variable: 'X' };

  it('is the encryption key alone where nothing else was said', () => {
    expect(sources([], { kind: 'default' })).toMatchObject({ files: ['/home/me/.ssh/hostuk'], keys: [] });
  });

  it('is the list without the default key, and with one that was set', () => {
    expect(sources([AGE, '/x.pub'], { kind: 'default' })).toMatchObject({ files: ['/x.pub'], keys: [AGE] });
    expect(sources([AGE], said)).toMatchObject({ files: ['/home/me/.ssh/hostuk'], keys: [AGE] });
  });
});
