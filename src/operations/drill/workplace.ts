import { readdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { errnoOf } from '../../core/errors.js';
import { isSurelyDead, thisProcess } from '../../core/process-identity.js';
import { makePrivateFolder, replacePrivateFile } from '../../state/private-files.js';

/** Where drills work and keep their evidence, below the state folder: what they unpack is as secret as what stands there. */
export function drillsFolder(stateRoot: string): string {
  return join(resolve(stateRoot), '.drills');
}

/** A folder of one drill, for its keys and for what it unpacks. Gone when the drill is over. */
export async function openWorkplace(
  stateRoot: string,
  id: string,
): Promise<AsyncDisposable & { readonly folder: string }> {
  const root = drillsFolder(stateRoot);
  await removeAbandoned(root);
  const folder = join(root, `${PREFIX}${id}`);
  await makePrivateFolder(folder);
  await replacePrivateFile(join(folder, OWNER), JSON.stringify(await thisProcess()));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

const PREFIX = '.work-';
const OWNER = 'owner.json';

const ownerSchema = z.object({
  machine: z.string(),
  boot: z.string(),
  pid: z.number().int().positive(),
  started: z.string(),
});

/** What drills left that were killed. */
async function removeAbandoned(root: string): Promise<void> {
  for (const name of await namesIn(root)) {
    if (!name.startsWith(PREFIX)) continue;
    const owner = await ownerOf(join(root, name));
    if (owner !== undefined && (await isSurelyDead(owner)))
      await rm(join(root, name), { recursive: true, force: true });
  }
}

async function ownerOf(folder: string): Promise<z.infer<typeof ownerSchema> | undefined> {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(join(folder, OWNER), 'utf8')));
  } catch {
    return undefined;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
