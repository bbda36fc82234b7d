import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { HostConfig } from '../../operations/hosts/host-config.js';

const FRESH = 30_000;

/**
 * The hosts of the inventory as this machine reads it. A job names a host only, so that it is read again and again: not for
 * each job, which would take longer than a small backup, but when it is some time ago, or does not have the host.
 */
export class KnownHosts {
  #reading: Promise<ReadonlyMap<string, HostConfig>> | undefined;
  #readAt = 0;

  constructor(readonly load: () => Promise<readonly HostConfig[]>) {}

  async all(): Promise<ReadonlyMap<string, HostConfig>> {
    if (this.#reading === undefined || performance.now() - this.#readAt > FRESH) this.#read();
    try {
      return await (this.#reading ?? this.#read());
    } catch (error) {
      this.#reading = undefined;
      throw error;
    }
  }

  /** @throws StateError `fleet.unknown-host`, and those of the inventory */
  async find(name: string): Promise<HostConfig> {
    const known = (await this.all()).get(name) ?? (await this.#anew()).get(name);
    if (known !== undefined) return known;
    throw new StateError({
      kind: 'usage',
      code: 'fleet.unknown-host',
      what: `The inventory of this worker has no host ${printable(name)}`,
      why: 'it was taken out, or the workers have different inventories',
      next: 'give all workers the same inventory, then "coolify-state fleet retry"',
      host: name,
    });
  }

  async #anew(): Promise<ReadonlyMap<string, HostConfig>> {
    this.#reading = undefined;
    return await this.all();
  }

  #read(): Promise<ReadonlyMap<string, HostConfig>> {
    this.#readAt = performance.now();
    this.#reading = this.load().then((hosts) => new Map(hosts.map((host) => [host.name, host])));
    return this.#reading;
  }
}
