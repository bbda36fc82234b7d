import { z } from 'zod';
import { isSurelyDead, type ProcessIdentity, thisProcess } from '../../core/process-identity.js';
import { docker, dockerText } from '../hosts/docker-engine.js';

/** By these everything that a drill makes on the engine is found again, whatever became of the drill. */
export const DRILL_LABEL = 'coolify-state.drill';
const OWNER_LABEL = 'coolify-state.drill.owner';
const KEPT_LABEL = 'coolify-state.drill.kept';

/** What a person wants to know of a drill that is at work, and which process answers for it. */
export async function drillLabels(id: string, keep: boolean): Promise<string[]> {
  const { machine, boot, pid, started } = await thisProcess();
  const owner = JSON.stringify({ machine, boot, pid, started } satisfies ProcessIdentity);
  const labels = [`${DRILL_LABEL}=${id}`, `${OWNER_LABEL}=${owner}`, ...(keep ? [`${KEPT_LABEL}=yes`] : [])];
  return labels.flatMap((label) => ['--label', label]);
}

/**
 * Removes containers and volumes of drills whose process is gone: killed, or its machine switched off. What was to be kept
 * stays, and what belongs to a drill that is at work.
 * @returns the names of what was removed
 */
export async function removeDeadDrills(signal: AbortSignal): Promise<string[]> {
  const removed: string[] = [];
  const filter = ['--filter', `label=${DRILL_LABEL}`];
  const containers = lines(
    await dockerText(['ps', '--all', '--format', '{{.Names}}', ...filter], { signal }),
  );
  for (const name of containers) {
    const labels = await labelsOf(
      ['container', 'inspect', '--format', '{{json .Config.Labels}}', name],
      signal,
    );
    if (!(await isAbandoned(labels))) continue;
    await removeThrowaway(name);
    removed.push(name);
  }
  // A drill may have died before its container was made.
  const volumes = lines(await dockerText(['volume', 'ls', '--format', '{{.Name}}', ...filter], { signal }));
  for (const name of volumes) {
    const labels = await labelsOf(['volume', 'inspect', '--format', '{{json .Labels}}', name], signal);
    if (!(await isAbandoned(labels))) continue;
    await removeThrowaway(name);
    removed.push(name);
  }
  return [...new Set(removed)];
}

/** Removes a container with its volume of the same name. Nothing where there is none; goes on when a run is interrupted. */
export async function removeThrowaway(name: string): Promise<void> {
  await docker(['rm', '--force', '--volumes', name], { check: false });
  await docker(['volume', 'rm', '--force', name], { check: false });
}

const ownerSchema = z.object({
  machine: z.string(),
  boot: z.string(),
  pid: z.number().int().positive(),
  started: z.string(),
});

/** Whether the process that answers for something is surely gone. What cannot be told is left alone. */
export async function isAbandoned(labels: Readonly<Record<string, string>>): Promise<boolean> {
  if (labels[KEPT_LABEL] !== undefined) return false;
  const owner = ownerSchema.safeParse(jsonOf(labels[OWNER_LABEL] ?? ''));
  return owner.success && (await isSurelyDead(owner.data));
}

/** The labels of something; none where it is gone meanwhile. */
export async function labelsOf(
  args: readonly string[],
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const { status, stdout } = await docker(args, { signal, check: false });
  const labels = z.record(z.string(), z.string()).safeParse(status === 0 ? jsonOf(stdout) : {});
  return labels.success ? labels.data : {};
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
