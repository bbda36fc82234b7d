import type { ManifestFile } from '../../state/manifest.js';
import type { Source } from '../restore/target.js';

/** One thing in which two states of an instance differ. No value of a secret is ever in it. */
export interface Difference {
  readonly change: 'added' | 'removed' | 'changed';
  /** What differs, by its name: a key of `.env`, a table, a file. Untrusted text. */
  readonly what: string;
  /** In what it differs. */
  readonly detail?: string;
}

/** Compares one artifact of two states, the earlier one first. */
export type Comparison = (before: Source, after: Source, signal: AbortSignal) => Promise<Difference[]>;

/** The names of two collections side by side: what only one has, and what `detail` tells of those in both. */
export function differencesOf<Value>(
  before: ReadonlyMap<string, Value>,
  after: ReadonlyMap<string, Value>,
  detail: (before: Value, after: Value) => string | undefined,
): Difference[] {
  const differences: Difference[] = [];
  for (const what of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(what), after.get(what)];
    if (was === undefined) differences.push({ change: 'added', what });
    else if (is === undefined) differences.push({ change: 'removed', what });
    else {
      const told = detail(was, is);
      if (told !== undefined) differences.push({ change: 'changed', what, detail: told });
    }
  }
  return differences;
}

/** The files of an artifact as the manifests list them: content, owner and mode. */
export function compareFiles(artifact: string): Comparison {
  return (before, after) => {
    const [was, is] = [before, after].map(({ generation }) =>
      generation.manifest.files.filter((file) => file.artifact === artifact),
    );
    const shared = new Set([...namesakes(was ?? []), ...namesakes(is ?? [])]);
    const named = (files: readonly ManifestFile[] = []): Map<string, ManifestFile> =>
      new Map(
        files.map((file) => {
          const name = nameOf(file);
          return [shared.has(name) ? `${name} (${file.path})` : name, file];
        }),
      );
    return Promise.resolve(differencesOf(named(was), named(is), fileDetail));
  };
}

/** What people call it. Keys of one name are two files. */
function nameOf({ title, origin, path }: ManifestFile): string {
  return title ?? origin?.path ?? path;
}

/** Names that more than one file has. */
function namesakes(files: readonly ManifestFile[]): string[] {
  const names = files.map(nameOf);
  return names.filter((name, index) => names.indexOf(name) !== index);
}

/** In what two files of one name differ; undefined when they do not. */
export function fileDetail(before: ManifestFile, after: ManifestFile): string | undefined {
  const told = [
    ...(before.sha256 === after.sha256 ? [] : ['other content']),
    ...placeDetails(before.origin, after.origin),
  ];
  return told.length === 0 ? undefined : told.join(', ');
}

interface Place {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** Owner and mode, where both are known. */
export function placeDetails(before: Place | undefined, after: Place | undefined): string[] {
  if (before === undefined || after === undefined) return [];
  const owner = ({ uid, gid }: Place): string => `${uid}:${gid}`;
  const mode = (place: Place): string => (place.mode & 0o7777).toString(8).padStart(4, '0');
  return [
    ...(owner(before) === owner(after) ? [] : [`owner ${owner(before)} -> ${owner(after)}`]),
    ...(mode(before) === mode(after) ? [] : [`mode ${mode(before)} -> ${mode(after)}`]),
  ];
}
