import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { RestoreNotes } from '../../../src/coolify/restore/notes.js';
import { Target } from '../../../src/coolify/restore/target.js';
import { StateError } from '../../../src/core/errors.js';
import { runTasks } from '../../../src/engine/run-host.js';
import type { HostConfig } from '../../../src/operations/hosts/host-config.js';
import { loadHosts } from '../../../src/operations/hosts/load-hosts.js';
import { restoreChanges } from '../../../src/operations/restore/changes.js';
import { RestoreContext } from '../../../src/operations/restore/context.js';
import { readRecord, writeRecord } from '../../../src/operations/restore/record.js';
import type { RestoreOptions } from '../../../src/operations/restore/restore.js';
import { scopeOf } from '../../../src/operations/rollback/scope.js';
import type { Connection } from '../../../src/ssh/connection.js';
import { RestoreFolders } from '../../../src/state/restore-folders.js';
import { openStateFolder } from '../../../src/state/state-folder.js';
import { sourceOf } from '../coolify/file-sources.js';
import { connectionThatMustNotBeUsed } from '../coolify/silent-connection.js';

/** The last step of a restore: what it leaves for a rollback, also where it dies in between. */
let folder: string;
let config: HostConfig;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coolify-state-end-'));
  const inventory = join(folder, 'inventory.yml');
  await writeFile(
    inventory,
    JSON.stringify({ all: { hosts: { web1: { coolify_repository: 'file:/nowhere' } } } }),
  );
  const [first] = await loadHosts({ sources: [inventory], pattern: 'all', warn: () => undefined });
  if (first === undefined) throw new Error('no host');
  config = first;
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;
const only =
  (...names: string[]) =>
  (name: string): boolean =>
    names.includes(name);

/** A host without a database that has notes, until `dies` is asked of it. */
function hostWithNotes(written: string[], dies?: 'run'): Connection {
  const silent = connectionThatMustNotBeUsed();
  const entry = {
    name: 'n',
    path: '/n',
    type: 'directory' as const,
    size: 0,
    mode: 0,
    uid: 0,
    gid: 0,
    mtimeMs: 0,
  };
  return {
    ...silent,
    run: () => {
      if (dies === 'run')
        throw new StateError({ kind: 'unreachable', code: 'ssh.connection-lost', what: 'gone' });
      return Promise.resolve({ code: 1, stdout: Buffer.alloc(0), stderr: '' });
    },
    files: {
      ...silent.files,
      stat: () => Promise.resolve(entry),
      mkdir: () => Promise.resolve(),
      write: (_path, content) => {
        written.push(String(content));
        return Promise.resolve();
      },
      remove: (path) => {
        written.push(`removed ${path}`);
        return Promise.resolve();
      },
    },
  };
}

async function end(
  wants: (name: string) => boolean,
  parts: string[] | undefined,
  connection: Connection,
): Promise<RestoreContext> {
  const context = new RestoreContext(config, await openStateFolder(join(folder, 'state')));
  const id = RestoreFolders.newId(new Date(0));
  await writeRecord(context.folders, {
    ...{ format: 1, id, host: 'web1', startedAt: '', kind: 'installed', outcome: 'under-way', proofs: [] },
    snapshot: { id: 's', host: 'web1', origin: 'there', coolify: '4.3.11' },
    former: { files: [], containers: [], volumes: [], networks: [] },
  });
  const notes: RestoreNotes = {
    ...{ snapshot: 'one', kind: 'installed', startedAt: '', restore: id, authorizedKeys: '' },
    formerLocalKeys: [],
    begun: [],
    parts,
  };
  const facts = {
    ...{ uid: 0, system: 'Debian', architecture: 'x86_64', docker: '26', hasDocker: true },
    ...{ containers: [], databaseVolumes: [], hasEnv: true, hasInstaller: true },
  };
  context.target = new Target(connection, facts, config.layout, sourceOf([]), 'installed', notes, {
    resumed: true,
    wants,
  });
  const options: RestoreOptions = {
    ...{ stateRoot: folder, from: { kind: 'latest' }, forks: 1, check: false, safety: true, wants },
    confirm: () => Promise.resolve(true),
    signal,
    emit: () => undefined,
  };
  const last = restoreChanges(config, options).filter(
    ({ name }) => name === 'remove the notes of this restore',
  );
  expect(last).toHaveLength(1);
  await runTasks('web1', last, context, { check: false, signal, emit: () => undefined });
  return context;
}

it('a restore of a part that proves nothing can be taken back too', async () => {
  const written: string[] = [];
  const { folders } = await end(only('authorized-keys'), ['authorized-keys'], hostWithNotes(written));
  expect(await readRecord(folders)).toMatchObject({ outcome: 'complete', parts: ['authorized-keys'] });
  expect(written.at(-1)).toBe('removed /root/.coolify-state-restore');
});

it('a restore that dies while its notes are removed has said on both sides that it is complete', async () => {
  const written: string[] = [];
  const { folders } = await end(only('database'), ['database'], hostWithNotes(written, 'run'));
  expect(written).toEqual([expect.stringContaining('"proven":true')]);
  expect(await readRecord(folders)).toMatchObject({ outcome: 'complete', parts: ['database'] });
});

it('a part that was broken off is complete when it was run again', async () => {
  const { completed } = await end(only('database'), ['database'], hostWithNotes([]));
  expect(completed).toBe(true);
});

it.each([[['env', 'database']], [undefined]])(
  'a part does not complete what an earlier run began (%s)',
  async (parts) => {
    const written: string[] = [];
    const { folders, completed } = await end(only('database'), parts, hostWithNotes(written));
    expect(written).toEqual([]);
    expect(completed).toBe(false);
    expect(await readRecord(folders)).toMatchObject({ outcome: 'under-way' });
  },
);

it('only what a restore put back is taken back', () => {
  const { layout } = config;
  const part = scopeOf({ parts: ['authorized-keys'] }, layout);
  expect(part).toMatchObject({ instance: false, keyFiles: false, hostKeys: false });
  expect(part.file(layout.authorizedKeys)).toBe(true);
  for (const path of [layout.env, layout.token, '/root/.ssh/id_ed25519', '/srv/more'])
    expect(part.file(path)).toBe(false);

  // Named like a key, and no key of the host.
  const files = scopeOf({ parts: ['extra-paths'] }, layout);
  expect(files.file('/srv/id_list')).toBe(true);
  expect(files.file('/root/.ssh/id_ed25519')).toBe(false);

  const whole = scopeOf({}, layout);
  expect(whole).toMatchObject({ instance: true, keyFiles: true, hostKeys: true });
  for (const path of [layout.env, layout.token, layout.authorizedKeys, '/root/.ssh/id_ed25519', '/srv/more'])
    expect(whole.file(path)).toBe(true);
});
