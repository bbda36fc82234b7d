import { describe, expect, test } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { loadInventory } from '../../../src/inventory/inventory.js';
import { failureOf, inventoryOf, layOut } from './files.js';

const WEB = 'all: { children: { web: { hosts: { w1: { a: 1 }, w2: } } } }\n';

describe('loading', () => {
  test('the group controller follows from the labels of hosts', async () => {
    const inventory = await inventoryOf({
      'inventory/hosts.yml':
        'all: { hosts: { a: { labels: [controller], platform: docker }, b: { labels: [] } } }\n',
      'inventory/z_groups.config.yaml':
        'plugin: constructed\nkeyed_groups:\n  - { key: labels, prefix: "", separator: "" }\n  - { key: platform, prefix: platform }\n',
    });
    expect(inventory.select('controller').map((host) => host.name)).toEqual(['a']);
    expect(inventory.host('a')?.groups).toEqual(['controller', 'platform_docker']);
  });

  test('a variable knows the file, line and column that set it', async () => {
    const inventory = await inventoryOf({
      'inventory/hosts.yml': 'all:\n  hosts:\n    h:\n      a: 1\n',
      'inventory/host_vars/h.yml': '# the host\nb: 2\n',
    });
    const host = inventory.host('h');
    expect(host?.origin('a')).toEqual({ file: 'inventory/hosts.yml', line: 4, column: 7 });
    expect(host?.origin('b')).toEqual({ file: 'inventory/host_vars/h.yml', line: 2, column: 1 });
    expect(host?.origin('c')).toBeUndefined();
  });

  test('a source that is not there is an error that says how to make one', async () => {
    const failure = await failureOf({ 'a.yml': WEB }, { sources: ['nowhere'] });
    expect(failure).toMatchObject({ kind: 'usage', code: 'inventory.source-missing' });
  });

  test('a file of variables that belongs to nobody is told, because it is most often misspelt', async () => {
    const inventory = await inventoryOf({ 'inventory/h.yml': WEB, 'inventory/host_vars/w3.yml': 'a: 1\n' });
    expect(inventory.warnings.join()).toContain('host_vars/w3');
  });

  test.each([
    ['a byte of zero', 'a/\0b'],
    ['a name that no file can have', `a/${'b'.repeat(300)}`],
  ])('a host whose name has a slash and %s has no file of variables', async (_what, name) => {
    const inventory = await inventoryOf({
      'inventory/h.yml': JSON.stringify({ all: { hosts: { [name]: { a: 1 } } } }),
      'inventory/host_vars/other.yml': 'a: 2\n',
    });
    expect(inventory.host(name)?.variable('a')).toBe(1);
  });

  test('a key that stands twice is told with its place, and the last one counts', async () => {
    const inventory = await inventoryOf({ 'h.yml': 'all:\n  hosts:\n    h: { a: 1, a: 2 }\n' });
    expect(inventory.host('h')?.variable('a')).toBe(2);
    expect(inventory.warnings).toEqual(['h.yml:3:16: The key "a" stands twice here; the last one counts']);
  });

  test('a cancelled load ends with the reason of the signal', async () => {
    const cwd = await layOut({ 'h.yml': WEB });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(loadInventory(['h.yml'], { cwd, env: {}, signal })).rejects.toThrow('enough');
  });

  test('a script that hangs is ended by the signal', async () => {
    const cwd = await layOut({ 'dyn.sh': '#!/bin/sh\nexec sleep 60\n' });
    const controller = new AbortController();
    const loading = loadInventory(['dyn.sh'], {
      cwd,
      env: { PATH: '/usr/bin:/bin' },
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 50);
    await expect(loading).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('a failing script tells its exit status and the end of what it said', async () => {
    const failure = await failureOf({ 'dyn.sh': '#!/bin/sh\necho "no \u001b[31mtoken" >&2\nexit 3\n' });
    expect(failure).toMatchObject({ code: 'inventory.script-failed', why: 'it exited with 3' });
    expect(failure instanceof StateError && failure.detail).toBe('no \\x1b[31mtoken');
  });

  test('a source of a folder that cannot be read is passed over where Ansible is told so too', async () => {
    const files = { 'inventory/bad.sh': '#!/bin/sh\nexit 1\n', 'inventory/hosts': '[web]\nw1\n' };
    expect(await failureOf(files)).toMatchObject({ code: 'inventory.script-failed' });
    const env = { ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED: 'false' };
    const inventory = await inventoryOf(files, { env });
    expect(inventory.hosts.map((host) => host.name)).toEqual(['w1']);
    expect(inventory.warnings.join()).toContain('inventory/bad.sh --list failed');
  });

  test('a data file that merely has the executable bit is read, not run', async () => {
    const inventory = await inventoryOf({ 'hosts.sh': '[web]\nw1\n' });
    expect(inventory.select('web').map((host) => host.name)).toEqual(['w1']);
  });

  test('a script that lost its executable bit is told what to do', async () => {
    const failure = await failureOf({
      'inventory/dyn': '#!/usr/bin/env python3\nimport json\nprint(json)\n',
    });
    expect(failure).toMatchObject({ code: 'inventory.script-failed', next: 'chmod +x inventory/dyn' });
  });

  test('a file that is not UTF-8 is an error with the line', async () => {
    const cwd = await layOut({});
    const { writeFile } = await import('node:fs/promises');
    await writeFile(`${cwd}/h.yml`, Buffer.from('all:\n  hosts:\n    h: { a: "\xe4" }\n', 'latin1'));
    await expect(loadInventory(['h.yml'], { cwd, env: {} })).rejects.toMatchObject({
      code: 'inventory.file-encoding',
      what: 'h.yml:3: The file is not UTF-8 text',
    });
  });

  test('two thousand hosts with files of variables load', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`inventory/host_vars/h${index}.yml`, `n: ${index}\n`]),
    );
    const inventory = await inventoryOf({ 'inventory/hosts': '[all]\nh[0:1999]\n', ...files });
    expect(inventory.hosts).toHaveLength(2000);
    expect(inventory.host('h199')?.variable('n')).toBe(199);
  });
});
