import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recipientsFromFile } from '../../../src/archive/recipients.js';
import { instanceOf } from '../../../src/coolify/instance.js';
import { adoptLegacyState } from '../../../src/coolify/legacy/state.js';
import { uploadGeneration } from '../../../src/operations/backup/upload.js';
import type { RepositorySettings } from '../../../src/repository/open.js';
import type { Generation } from '../../../src/state/generations.js';
import { renderManifest } from '../../../src/state/manifest.js';
import { type FakeInstance, fakeInstance, writeLegacyState } from '../../unit/operations/fake-instance.js';
import { command } from '../archive/programs.js';

export const HOST = 'web1';

/** A folder with an inventory of one host, a key, and repositories. */
export interface Place {
  readonly folder: string;
  at(name: string): string;
  /** Options that point the program at this place. */
  readonly options: readonly string[];
  /** Writes the inventory: variables of the host, over those it has. */
  inventory(vars: Readonly<Record<string, unknown>>): Promise<void>;
  /** A generation as a backup makes one, of the given time. */
  generation(createdAt: Date, instance?: FakeInstance): Promise<Generation>;
  /** Stores a generation as a snapshot, for the owner of `key` or of the file named. */
  publish(generation: Generation, settings: RepositorySettings, recipients?: string): Promise<string>;
  remove(): Promise<void>;
}

export async function openPlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'lifecycle-'));
  const at = (name: string): string => join(folder, name);
  await command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', at('key'));
  let count = 0;
  const inventory = async (vars: Readonly<Record<string, unknown>>): Promise<void> => {
    const hostVars = {
      coolify_backup_encryption_key_path: at('key'),
      coolify_repository: [`file:${at('first')}`, `file:${at('second')}`],
      ...vars,
    };
    // JSON is YAML.
    await writeFile(at('inventory.yml'), JSON.stringify({ controller: { hosts: { [HOST]: hostVars } } }));
  };
  await inventory({});
  return {
    folder,
    at,
    inventory,
    options: ['-i', at('inventory.yml'), '--state-dir', at('state')],
    generation: async (createdAt, instance = fakeInstance()) => {
      count += 1;
      const target = at(`generation-${count}`);
      await writeLegacyState(target, instance);
      const about = {
        host: HOST,
        createdAt,
        file: 'test',
        sha256: String(count).padStart(64, '0'),
        tool: { name: 'coolify-state', version: '0.0.0' },
      };
      const { manifest, instance: found } = await adoptLegacyState(
        target,
        about,
        new AbortController().signal,
      );
      const { imported: _imported, ...own } = found;
      const made = { ...manifest, instance: own };
      await writeFile(join(target, 'manifest.json'), renderManifest(made));
      return { host: HOST, folder: target, manifest: made };
    },
    publish: async (generation, settings, recipients = at('key.pub')) => {
      const job = {
        generation,
        instance: instanceOf(generation.manifest),
        recipients: await recipientsFromFile(recipients),
        compression: { algorithm: 'gzip' as const, level: 3 },
        waitLock: 0,
      };
      return (await uploadGeneration(job, settings, REPORTER)).id;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

const REPORTER = {
  signal: new AbortController().signal,
  moved: () => undefined,
  line: () => undefined,
  warn: () => undefined,
};
