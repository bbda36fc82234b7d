import { join } from 'node:path';
import type { TaskReporter } from '../../engine/task.js';
import type { Endpoint } from '../../ssh/endpoint.js';
import { makePrivateFolder } from '../../state/private-files.js';
import { dockerText, requireEngine } from '../hosts/docker-engine.js';
import type { HostConfig } from '../hosts/host-config.js';
import { type HostImage, hostImage } from './image.js';
import { drillLabels, removeThrowaway } from './labels.js';
import { copyVolume, startMachine, waitForMachine } from './machine.js';
import type { DrillSubject } from './snapshot.js';
import { preparedTemplate, requireVolume, type Template } from './template.js';
import { wayInto } from './way-in.js';

export interface ThrowawaySettings {
  readonly id: string;
  readonly config: HostConfig;
  readonly subject: DrillSubject;
  /** Private to this drill. */
  readonly folder: string;
  /** Restore onto a host without a Coolify; only where the image installs one without a network. */
  readonly bare: boolean;
  /** Make the prepared host anew. */
  readonly refresh: boolean;
  readonly keep: boolean;
}

/** A server in a container that reaches nobody, for one drill. */
export class ThrowawayHost {
  readonly container: string;
  #image: HostImage | undefined;
  #engine: string | undefined;
  #template: Template | undefined;

  constructor(readonly settings: ThrowawaySettings) {
    const { id, config } = settings;
    const name = config.name.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 60);
    this.container = `coolify-state-drill-${name}-${id}`;
  }

  get image(): HostImage | undefined {
    return this.#image;
  }

  /** Version of the engine of this machine. */
  get engine(): string | undefined {
    return this.#engine;
  }

  get template(): Template | undefined {
    return this.#template;
  }

  /** Sees to what the host is copied from. Needs the network, and no secret. */
  async prepare(reporter: TaskReporter): Promise<string> {
    const { config, subject, bare, refresh, folder, id } = this.settings;
    const { signal, line } = reporter;
    const { image: wanted, volume: seed } = config.drill;
    this.#engine = await requireEngine(signal);
    this.#image = await hostImage(wanted, refresh, line, signal);
    if (bare) {
      if (seed !== undefined) await requireVolume(seed, signal);
      this.#template = { image: this.#image.name, volume: seed, installSeconds: undefined };
      return `a bare host from ${this.#image.name}`;
    }
    const { coolify, postgres } = subject.snapshot.sidecar;
    const version = coolify ?? '';
    const major = Number.parseInt(postgres ?? '', 10);
    this.#template = await preparedTemplate(
      {
        image: this.#image,
        seed,
        version,
        postgres: Number.isNaN(major) ? undefined : major,
        layout: config.layout,
        folder: join(folder, 'prepare'),
        refresh,
        id,
      },
      reporter,
    );
    return `Coolify ${version} stands in ${this.#template.image}`;
  }

  /** Starts it, without any network from its first moment. */
  async start({ signal }: TaskReporter): Promise<string> {
    if (this.#template === undefined) throw new Error('the throwaway host was not prepared');
    const { image, volume } = this.#template;
    const labels = await drillLabels(this.settings.id, this.settings.keep);
    await copyVolume(volume, this.container, image, labels, signal);
    const { config } = this.settings;
    const hostname = config.name.replace(/[^A-Za-z0-9.-]/g, '-').slice(0, 60);
    const { container } = this;
    await startMachine({ container, image, volume: container, network: 'none', hostname, labels }, signal);
    await waitForMachine(container, signal);
    return await dockerText(
      ['exec', container, 'docker', 'version', '--format', 'Docker {{.Server.Version}}'],
      {
        signal,
      },
    );
  }

  async endpoint({ signal }: TaskReporter): Promise<Endpoint> {
    const folder = join(this.settings.folder, 'way-in');
    await makePrivateFolder(folder);
    return await wayInto(this.container, this.settings.config.name, folder, signal);
  }

  /** Also when it was never started. */
  async remove(): Promise<void> {
    await removeThrowaway(this.container);
  }
}
