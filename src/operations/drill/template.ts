import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntilHealthy } from '../../coolify/containers.js';
import { postgresOverride } from '../../coolify/database/choose-postgres.js';
import { COOLIFY_UID, type Layout } from '../../coolify/layout.js';
import { runInstaller } from '../../coolify/restore/install.js';
import { asStateError, StateError } from '../../core/errors.js';
import { lastLines } from '../../core/terminal-text.js';
import type { TaskReporter } from '../../engine/task.js';
import { command } from '../../ssh/command.js';
import { type Connection, connect } from '../../ssh/connection.js';
import { makePrivateFolder } from '../../state/private-files.js';
import { docker, dockerText, imageId, volumeCreatedAt } from '../hosts/docker-engine.js';
import type { HostImage } from './image.js';
import { drillLabels, isAbandoned, labelsOf, removeThrowaway } from './labels.js';
import { copyVolume, startMachine, waitForMachine } from './machine.js';
import { closeWayInto, wayInto } from './way-in.js';

/**
 * Coolify's installer needs the internet, and a throwaway host with somebody's secrets must not have it. So a host is prepared
 * beforehand, with a network and without secrets: the installer runs there for the version of the snapshot, and what it has
 * made is kept as an image and a volume, to begin further drills with.
 */

/** What throwaway hosts are copied from. */
export interface Template {
  readonly image: string;
  readonly volume: string | undefined;
  /** How long Coolify's installer took when it was prepared; undefined for a bare host. */
  readonly installSeconds: number | undefined;
}

export interface TemplateSettings {
  readonly image: HostImage;
  /** Volume to begin with. */
  readonly seed: string | undefined;
  /** Version of Coolify. */
  readonly version: string;
  /** Major version of PostgreSQL that the dump needs; undefined where that is not known. */
  readonly postgres: number | undefined;
  readonly layout: Layout;
  /** Folder that is private to this run. */
  readonly folder: string;
  /** Make it anew although there is one. */
  readonly refresh: boolean;
  /** Of the drill. */
  readonly id: string;
}

/**
 * The prepared host for a version of Coolify, made when there is none. Of several drills that want the same one, one makes it and
 * the others wait.
 */
export async function preparedTemplate(
  settings: TemplateSettings,
  reporter: TaskReporter,
): Promise<Template> {
  const { signal } = reporter;
  const key = await keyOf(settings, signal);
  const names: Names = {
    builder: `${PREFIX}-prepare-${key}`,
    image: `coolify-state-drill/prepared:${key}`,
    volume: `${PREFIX}-prepared-${key}`,
  };
  if (settings.refresh) await forget(names);
  for (;;) {
    const found = await presentTemplate(names, signal);
    if (found !== undefined) return found;
    if (await takeTurn(names, settings, reporter)) break;
  }
  try {
    await build(names, settings, reporter);
    await forgetOthers(names, settings, signal);
  } finally {
    await docker(['rm', '--force', '--volumes', names.builder], { check: false });
  }
  const made = await presentTemplate(names, signal);
  if (made === undefined) throw new Error('the prepared host is not there after it was made');
  return made;
}

interface Names {
  readonly builder: string;
  readonly image: string;
  readonly volume: string;
}

const PREFIX = 'coolify-state-drill';
const PREPARED = 'coolify-state.drill-prepared';
const SECONDS = `${PREPARED}.seconds`;
/** What the installer's own compose files bring; see choose-postgres.ts. */
const INSTALLED_MAJOR = 15;
const POLL_MS = 1000;

/** Changes with everything that goes into a prepared host. */
async function keyOf(
  { image, seed, version, postgres, layout }: TemplateSettings,
  signal: AbortSignal,
): Promise<string> {
  const seedFrom = seed === undefined ? '' : `${seed} ${await requireVolume(seed, signal)}`;
  const major = postgres !== undefined && postgres > INSTALLED_MAJOR ? `${postgres}` : '';
  const parts = ['1', image.id, seedFrom, version, major, layout.data, layout.installer];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
}

/** @throws StateError `drill.no-volume` */
export async function requireVolume(name: string, signal: AbortSignal): Promise<string> {
  const createdAt = await volumeCreatedAt(name, signal);
  if (createdAt !== undefined) return createdAt;
  throw new StateError({
    kind: 'usage',
    code: 'drill.no-volume',
    what: `There is no Docker volume ${name} on this machine`,
    next: 'check coolify_drill_volume, or leave it out: images are fetched then',
  });
}

/** The image is tagged last: where it is, the volume is complete. */
async function presentTemplate({ image, volume }: Names, signal: AbortSignal): Promise<Template | undefined> {
  if ((await imageId(image, signal)) === undefined) return undefined;
  if ((await volumeCreatedAt(volume, signal)) === undefined) {
    await docker(['image', 'rm', '--force', image], { signal, check: false });
    return undefined;
  }
  const labels = await labelsOf(['image', 'inspect', '--format', '{{json .Config.Labels}}', image], signal);
  const seconds = Number(labels[SECONDS]);
  return { image, volume, installSeconds: Number.isFinite(seconds) ? seconds : undefined };
}

/** The engine gives a name once: who gets it prepares. @returns whether that is us; false after waiting for another. */
async function takeTurn(
  { builder, volume }: Names,
  { image, seed, version, id }: TemplateSettings,
  { signal, line }: TaskReporter,
): Promise<boolean> {
  const labels = await drillLabels(id, false);
  const found = await labelsOf(
    ['container', 'inspect', '--format', '{{json .Config.Labels}}', builder],
    signal,
  );
  if (Object.keys(found).length > 0) {
    if (await isAbandoned(found)) await removeThrowaway(builder);
    line('waiting for another drill that prepares the same host');
    await sleep(POLL_MS, undefined, { signal });
    return false;
  }
  try {
    await docker(['create', '--name', builder, ...labels, '--entrypoint', 'true', image.name], { signal });
  } catch (error) {
    if (error instanceof StateError && error.why?.includes('already in use') === true) return false;
    throw error;
  }
  line(`preparing a host with Coolify ${version}`);
  await docker(['volume', 'rm', '--force', volume], { check: false });
  const prepared = ['--label', `${PREPARED}=${version}`];
  await copyVolume(seed, volume, image.name, prepared, signal);
  return true;
}

async function build(names: Names, settings: TemplateSettings, reporter: TaskReporter): Promise<void> {
  const { signal } = reporter;
  const { builder } = names;
  const working = `${builder}-at-work`;
  const { image, version, folder, id } = settings;
  await removeContainer(working);
  try {
    await startMachine(
      {
        container: working,
        image: image.name,
        volume: names.volume,
        network: 'bridge',
        hostname: 'drill',
        labels: await drillLabels(id, false),
      },
      signal,
    );
    await waitForMachine(working, signal);
    const seconds = await installCoolify(working, settings, reporter);
    await closeWayInto(working, signal);
    // Every throwaway host makes its own at its start.
    await docker(['exec', working, 'sh', '-c', 'rm -f /etc/ssh/ssh_host_*'], { signal });
    await docker(['stop', '--time', '60', working], { signal });
    await docker(
      [
        'commit',
        ...['--change', `LABEL ${PREPARED}=${version}`, '--change', `LABEL ${SECONDS}=${seconds}`],
        ...['--change', `LABEL ${PREPARED}.from=${image.name}`, working, names.image],
      ],
      { signal },
    );
  } catch (error) {
    await removeContainer(working);
    await docker(['volume', 'rm', '--force', names.volume], { check: false });
    throw error;
  } finally {
    await removeContainer(working);
    await rm(folder, { recursive: true, force: true });
  }
}

async function removeContainer(name: string): Promise<void> {
  await docker(['rm', '--force', name], { check: false });
}

/** Runs Coolify's installer as a restore does. @returns seconds that it took */
async function installCoolify(
  container: string,
  { layout, version, postgres, folder }: TemplateSettings,
  reporter: TaskReporter,
): Promise<number> {
  const { signal } = reporter;
  await makePrivateFolder(folder);
  await using connection = await connect(
    await wayInto(container, 'the host that is prepared', folder, signal),
    {
      signal,
    },
  );
  if (postgres !== undefined && postgres > INSTALLED_MAJOR)
    await choosePostgresMajor(connection, layout, postgres, signal);
  const began = performance.now();
  try {
    await runInstaller(connection, layout, version, reporter);
    await waitUntilHealthy(connection, 'coolify', signal);
  } catch (error) {
    signal.throwIfAborted();
    throw notPrepared(version, error);
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  // Its containers come up again with the engine of each copy.
  await connection.run(command('rm', '-rf', '--', layout.restoreNotes, layout.installStatus), { signal });
  return seconds;
}

function notPrepared(version: string, thrown: unknown): StateError {
  const { message, detail = '' } = asStateError(thrown, 'the installer failed');
  return new StateError({
    kind: 'failed',
    code: 'drill.preparation',
    what: `Coolify ${version} could not be installed on the host that is prepared for drills`,
    why: lastLines(detail, 1) || message,
    next: "the preparation needs the internet: see that containers of this machine reach cdn.coollabs.io and Coolify's registry; see docs/drill.md",
    ...(detail !== '' && { detail }),
    cause: thrown,
  });
}

async function choosePostgresMajor(
  connection: Connection,
  { data }: Layout,
  major: number,
  signal: AbortSignal,
): Promise<void> {
  await connection.run(command('mkdir', '-p', '--', `${data}/source`), { signal });
  await connection.files.write(
    `${data}/source/docker-compose.postgres-upgrade.yml`,
    Buffer.from(postgresOverride(major)),
    { mode: 0o600, uid: COOLIFY_UID, gid: 0 },
  );
}

async function forget({ image, volume }: Names): Promise<void> {
  await docker(['image', 'rm', '--force', image], { check: false });
  await docker(['volume', 'rm', '--force', volume], { check: false });
}

/** Prepared hosts of the same version from an earlier state of the same image. What is in use stays for now. */
async function forgetOthers(
  names: Names,
  { image, version }: TemplateSettings,
  signal: AbortSignal,
): Promise<void> {
  const filters = [`label=${PREPARED}=${version}`, `label=${PREPARED}.from=${image.name}`];
  const listed = await dockerText(
    [
      ...['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}'],
      ...filters.flatMap((filter) => ['--filter', filter]),
    ],
    { signal },
  );
  for (const other of listed.split('\n')) {
    if (!other.startsWith('coolify-state-drill/prepared:') || other === names.image) continue;
    const key = other.slice(other.lastIndexOf(':') + 1);
    await docker(['image', 'rm', other], { signal, check: false });
    await docker(['volume', 'rm', `${PREFIX}-prepared-${key}`], { signal, check: false });
  }
}
