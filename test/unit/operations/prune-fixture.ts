import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { EngineEvent } from '../../../src/engine/events.js';
import { loadHosts } from '../../../src/operations/hosts/load-hosts.js';
import { type PruneOptions, type PruneReport, prune } from '../../../src/operations/prune/prune.js';
import { DirectoryRepository } from '../../../src/repository/directory/directory.js';
import { parseSpan } from '../../../src/repository/retention/span.js';
import { SnapshotRepository } from '../../../src/repository/snapshots/snapshots.js';
import { openStateFolder } from '../../../src/state/state-folder.js';

const HOUR = 3_600_000;
const TWO_DAYS = parseSpan('2d') ?? { years: 0, months: 0, days: 2, hours: 0 };

/** Once for all, so that what is made at one time in several places has one name. */
const START = Date.now();
export const hoursAgo = (hours: number): Date => new Date(START - hours * HOUR);

export const RECIPIENT = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5JXbyVGkSTDUs5XRATUXrQjNfZ3zgF4lp7DnR0Wjjd';

/** A workplace with state, inventory and repositories in directories. */
export class PruneFixture {
  readonly events: EngineEvent[] = [];

  private constructor(
    readonly folder: string,
    readonly repositories: readonly string[],
  ) {}

  static async create(repositories: readonly string[] = ['one']): Promise<PruneFixture> {
    const folder = await mkdtemp(join(tmpdir(), 'coolify-state-prune-'));
    await writeFile(join(folder, 'recipients'), `${RECIPIENT}\n`);
    return new PruneFixture(
      folder,
      repositories.map((name) => join(folder, name)),
    );
  }

  get state(): string {
    return join(this.folder, 'state');
  }

  snapshots(index = 0): SnapshotRepository {
    return new SnapshotRepository(new DirectoryRepository(this.repositories[index] ?? ''));
  }

  /** Publishes a small snapshot of so many hours ago and returns its id. */
  async publish(
    host: string,
    hours: number,
    { repository = 0, ok = true }: { readonly repository?: number; readonly ok?: boolean } = {},
  ): Promise<string> {
    const createdAt = hoursAgo(hours);
    const facts = {
      finishedAt: createdAt,
      files: 1,
      recipients: ['SHA256:somebody'],
      tool: '0.1.0',
      coolify: '4.3.11',
      proofs: [{ name: 'app-key', ok }],
    };
    const body = Readable.from([randomBytes(100)]);
    return (await this.snapshots(repository).publish(host, createdAt, body, () => facts)).id;
  }

  /** Commits a generation of so many hours ago, or keeps it aside as a restore does. */
  async generation(host: string, hours: number, { aside = false } = {}): Promise<string> {
    const generations = (await openStateFolder(this.state)).generations(host);
    const staging = await generations.stage();
    const writer = staging.create('backups/coolify/.env');
    await new Promise<void>((resolve, reject) => {
      writer.on('error', reject).on('finish', resolve).end(`APP_KEY of ${hours}`);
    });
    const id = `${aside ? 'safety-' : ''}${hours}-hours-ago`;
    const manifest = {
      format: 1,
      id,
      host,
      createdAt: hoursAgo(hours).toISOString(),
      tool: { name: 'test', version: '0' },
      files: [{ path: 'backups/coolify/.env', artifact: 'env', ...writer.result() }],
      proofs: [],
      instance: {},
    } as const;
    const whole = { ...manifest, files: [...manifest.files], proofs: [] };
    if (aside) await generations.keepAside(staging, whole);
    else await staging.commit(whole);
    return id;
  }

  async generationIds(host: string): Promise<string[]> {
    const generations = (await openStateFolder(this.state)).generations(host);
    return (await generations.all()).map(({ manifest }) => manifest.id);
  }

  async ids(host: string, repository = 0): Promise<string[]> {
    return (await this.snapshots(repository).list(host)).map(({ id }) => id);
  }

  /** What lies in a host's folder of a repository, but the lease. */
  async files(host: string, repository = 0): Promise<string[]> {
    const names = await readdir(join(this.repositories[repository] ?? '', host));
    return names.filter((name) => name !== '.lease').sort();
  }

  /** Prunes hosts by settings of the inventory. */
  async prune(
    settings: Readonly<Record<string, unknown>>,
    options: Partial<PruneOptions> = {},
    hosts: readonly string[] = ['web1'],
  ): Promise<PruneReport[]> {
    const inventory = join(this.folder, 'inventory.yml');
    const vars = {
      coolify_repository: this.repositories.map((path) => `file:${path}`),
      coolify_backup_encryption_key_path: join(this.folder, 'recipients'),
      ...settings,
    };
    const members = Object.fromEntries(hosts.map((host) => [host, {}]));
    await writeFile(inventory, JSON.stringify({ controller: { hosts: members, vars } }));
    const configs = await loadHosts({
      sources: [inventory],
      pattern: 'controller',
      limit: undefined,
      warn: () => undefined,
    });
    return await prune(configs, {
      stateRoot: this.state,
      forks: 1,
      check: false,
      leftoversOlderThan: TWO_DAYS,
      confirm: () => Promise.resolve(true),
      signal: new AbortController().signal,
      emit: (event) => this.events.push(event),
      ...options,
    });
  }

  warnings(): string[] {
    return this.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
