import { readFile } from 'node:fs/promises';
import type { Inspection, TaskReporter } from '../../engine/task.js';
import type { FileOrigin, ManifestFile } from '../../state/manifest.js';
import { sameState, statesOf } from '../remote-files.js';
import type { Target } from './target.js';

/** A file of the snapshot with the place it came from. */
export type PlacedFile = ManifestFile & { readonly origin: FileOrigin };

/** The files of an artifact that the target does not have as the snapshot has them. */
export async function differingFiles(
  target: Target,
  artifact: string,
  signal: AbortSignal,
): Promise<PlacedFile[]> {
  const files = target.files(artifact).filter(isPlaced);
  const present = await statesOf(
    target.connection,
    files.map(({ origin }) => origin.path),
    signal,
  );
  return files.filter(
    ({ origin, sha256 }) =>
      !sameState(present.get(origin.path), { sha256, uid: origin.uid, gid: origin.gid, mode: origin.mode }),
  );
}

/** Puts files back where and as they were, each in one step. */
export async function placeFiles(target: Target, files: readonly PlacedFile[]): Promise<void> {
  for (const { path, origin } of files) {
    const { mode, uid, gid } = origin;
    await target.connection.files.write(origin.path, await readFile(target.localPath(path)), {
      mode,
      uid,
      gid,
    });
  }
}

export function inspectFiles(artifact: string) {
  return async (target: Target, reporter: TaskReporter): Promise<Inspection> => {
    if (target.files(artifact).length === 0) return { skip: 'the snapshot has none' };
    const differing = await differingFiles(target, artifact, reporter.signal);
    if (differing.length === 0) return { unchanged: "equals the snapshot's" };
    return {
      summary: `put ${differing.length === 1 ? differing[0]?.origin.path : `${differing.length} files`} in place`,
      diff: differing.map(({ origin }) => `write ${origin.path}`),
    };
  };
}

export function applyFiles(artifact: string) {
  return async (target: Target, reporter: TaskReporter): Promise<undefined> => {
    await placeFiles(target, await differingFiles(target, artifact, reporter.signal));
  };
}

function isPlaced(file: ManifestFile): file is PlacedFile {
  return file.origin !== undefined;
}
