import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a folder looked like while something worked in it. */
export interface SeenModes {
  /** Every path that was ever there. */
  readonly paths: readonly string[];
  /** Those that others than their owner could do something with, at any moment. */
  readonly open: readonly string[];
}

/** Looks at every file and folder below some folders, again and again as fast as it goes, until the work is done. */
export async function watchModes<T>(
  folders: readonly string[],
  work: Promise<T>,
): Promise<{ readonly result: T; readonly seen: SeenModes }> {
  const paths = new Set<string>();
  const open = new Set<string>();
  let done = false;
  const ended = work.finally(() => {
    done = true;
  });
  ended.catch(() => undefined);
  const look = async (path: string): Promise<void> => {
    // What has gone meanwhile cannot be looked at any more.
    const entry = await lstat(path).catch(() => undefined);
    if (entry === undefined) return;
    paths.add(path);
    if ((entry.mode & 0o077) !== 0 && !entry.isSymbolicLink())
      open.add(`${path} ${(entry.mode & 0o7777).toString(8)}`);
    if (!entry.isDirectory()) return;
    const names = await readdir(path).catch((): string[] => []);
    await Promise.all(names.map((name) => look(join(path, name))));
  };
  while (!done) {
    for (const folder of folders) await look(folder);
    await sleep(1);
  }
  const result = await ended;
  for (const folder of folders) await look(folder);
  return { result, seen: { paths: [...paths], open: [...open] } };
}
