import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { StateError } from '../../core/errors.js';
import { PACKAGE } from '../../tool.js';
import { docker, imageId } from '../hosts/docker-engine.js';

/** The image that a throwaway host is made of where the inventory names none. */
const OWN_IMAGE = 'coolify-state/drill-host';

/** An image that is on this machine. */
export interface HostImage {
  readonly name: string;
  /** `sha256:...` */
  readonly id: string;
}

/**
 * The image of throwaway hosts: the one that was named (fetched when it is not here), or the program's own (built when it is
 * not here).
 * @throws StateError `docker.failed`, `drill.no-image`, `drill.image-unusable`
 */
export async function hostImage(
  wanted: string | undefined,
  refresh: boolean,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<HostImage> {
  const name = wanted ?? OWN_IMAGE;
  const present = await imageId(name, signal);
  if (present !== undefined && !(refresh && wanted === undefined)) return { name, id: present };
  if (wanted === undefined) await buildOwn(tell, signal);
  else {
    tell(`fetching ${name}`);
    await docker(['pull', '--quiet', name], { signal });
  }
  const id = await imageId(name, signal);
  if (id !== undefined) return { name, id };
  throw new StateError({
    kind: 'failed',
    code: 'drill.image-unusable',
    what: `There is no image ${name}`,
    next: 'see whether "docker images" lists it, or leave coolify_drill_image out for the image that is built here',
  });
}

async function buildOwn(tell: (line: string) => void, signal: AbortSignal): Promise<void> {
  const folder = fileURLToPath(new URL('docker/drill-host', PACKAGE));
  if (!existsSync(folder)) {
    throw new StateError({
      kind: 'usage',
      code: 'drill.no-image',
      what: `There is no image ${OWN_IMAGE}, and nothing here to build it from`,
      why: `this copy of the program has no folder ${folder}`,
      next: 'build it from docker/drill-host of the sources, or name an image of your own with coolify_drill_image',
    });
  }
  tell(`building ${OWN_IMAGE}`);
  await docker(['build', '--quiet', '--tag', OWN_IMAGE, folder], { signal });
}
