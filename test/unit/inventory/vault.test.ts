import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { Secret } from '../../../src/core/secret.js';
import { Vault } from '../../../src/inventory/vault.js';
import { readVaultPasswords } from '../../../src/inventory/vault-passwords.js';
import { inventoryOf, layOut } from './files.js';

// Made with ansible-vault of ansible-core 2.14: `inner secret` under the password `correct horse`.
const ENVELOPE = `$ANSIBLE_VAULT;1.1;AES256
36656632383230636231373035303736663734353334383939636632376436393663343235653235
3962646133613233333461343632636266306161346464370a633932626439333466373832313664
33353365383764306562323932613030346262646163656536363930313562383239623039376463
6436343231663036660a643264353637363661323562653265343366363265393066613934663562
6535`;
const inline = ENVELOPE.split('\n')
  .map((line) => `        ${line}`)
  .join('\n');
const HOSTS = `all:\n  hosts:\n    h:\n      plain: 1\n      pw: !vault |\n${inline}\n      use: "user:{{ pw }}"\n      list: ["{{ pw }}", x]\n`;
const right = [{ id: 'default', password: new Secret('correct horse') }];

describe('vault', () => {
  test('opens what ansible-vault closed, and gives a Secret', async () => {
    const inventory = await inventoryOf({ 'h.yml': HOSTS }, { vaultPasswords: right });
    const value = inventory.host('h')?.variable('pw');
    expect(value instanceof Secret && value.reveal()).toBe('inner secret');
  });

  test('what a secret goes into is a secret too, and nothing of it prints', async () => {
    const inventory = await inventoryOf({ 'h.yml': HOSTS }, { vaultPasswords: right });
    const variables = inventory.host('h')?.variables();
    expect(`${inspect(variables, { depth: 9 })}${JSON.stringify(variables)}`).not.toContain('inner');
    expect(variables?.['use'] instanceof Secret && variables['use'].reveal()).toBe('user:inner secret');
  });

  test('other variables need no password', async () => {
    const inventory = await inventoryOf({ 'h.yml': HOSTS });
    expect(inventory.host('h')?.variable('plain')).toBe(1);
    expect(() => inventory.host('h')?.variable('use')).toThrow(
      expect.objectContaining({
        code: 'inventory.vault-password-missing',
        what: expect.stringContaining('h.yml:5:'),
      }),
    );
  });

  test('the password with the id of the value is tried first, and all the others', async () => {
    const passwords = [{ id: 'prod', password: new Secret('wrong') }, ...right];
    const inventory = await inventoryOf({ 'h.yml': HOSTS }, { vaultPasswords: passwords });
    expect(inventory.host('h')?.variable('pw')).toBeInstanceOf(Secret);
  });

  test('a wrong password is told, with the ids that were tried', () => {
    const vault = new Vault([{ id: 'prod', password: new Secret('wrong') }]);
    expect(() => vault.open(ENVELOPE, 'It', undefined)).toThrow(
      /none of the vault passwords fits \(tried: prod\)/,
    );
  });

  test('a vault file that cannot be opened stops only who needs it', async () => {
    const inventory = await inventoryOf({
      'inventory/hosts.yml': 'all: { children: { a: { hosts: { h1: { x: 1 } } }, b: { hosts: { h2: } } } }\n',
      'inventory/group_vars/b.yml': `${ENVELOPE}\n`,
    });
    expect(inventory.host('h1')?.variable('x')).toBe(1);
    expect(() => inventory.host('h2')?.variable('x')).toThrow(/vault file inventory\/group_vars\/b\.yml/);
  });

  test('whatever is done to an envelope, it opens as it was or is refused', () => {
    const vault = new Vault(right);
    fc.assert(
      fc.property(fc.nat(ENVELOPE.length - 1), fc.constantFrom(...'0f;\n$Z'), (at, character) => {
        const bent = ENVELOPE.slice(0, at) + character + ENVELOPE.slice(at + 1);
        try {
          expect(vault.open(bent, 'It', undefined).reveal()).toBe('inner secret');
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(StateError);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('vault passwords', () => {
  test('come from files, from scripts, by id, and from the environment', async () => {
    const cwd = await layOut({
      plain: '  correct horse \n\n',
      'run.sh': '#!/bin/sh\necho "from script"\n',
      'keys-client.sh': '#!/bin/sh\necho "for $2"\n',
    });
    const env = {
      PATH: '/usr/bin:/bin',
      ANSIBLE_VAULT_PASSWORD_FILE: 'plain',
      ANSIBLE_VAULT_IDENTITY_LIST: 'prod@run.sh',
    };
    const prompt = async (id: string): Promise<Secret> => new Secret(`typed for ${id}`);
    const found = await readVaultPasswords({
      cwd,
      env,
      files: ['run.sh'],
      ids: ['x@keys-client.sh', 'p@prompt'],
      prompt,
    });
    expect(found.map(({ id, password }) => [id, password.reveal()])).toEqual([
      ['x', 'for x'],
      ['p', 'typed for p'],
      ['prod', 'from script'],
      ['default', 'from script'],
      ['default', 'correct horse'],
    ]);
  });

  test.each([
    ['missing', {}, 'nowhere'],
    ['empty', { empty: '\n' }, 'empty'],
    ['a script that fails', { 'bad.sh': '#!/bin/sh\necho half-a-password\nexit 1\n' }, 'bad.sh'],
    ['to be asked for, with nobody there', {}, 'prompt'],
  ])('%s: an error that shows nothing of the password', async (_title, files, file) => {
    const cwd = await layOut(files);
    const failure = await readVaultPasswords({ cwd, env: { PATH: '/bin' }, files: [file] }).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'inventory.vault-password-file' });
    expect(inspect(failure)).not.toContain('half-a-password');
  });
});
