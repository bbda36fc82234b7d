import { createHash } from 'node:crypto';
import { copyFile, link, mkdir, readdir, stat, truncate, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Disk, type File, fileInode, type NameChange, ROOT } from './disk.js';
import { type Change, readChanges, shownChange } from './recorded-changes.js';

/** What is on the disk after a crash. */
export interface Remains {
  readonly title: string;
  /** Two crashes with the same signature leave the same. */
  readonly signature: string;
  writeTo(folder: string): Promise<void>;
}

/** A run whose changes of files were recorded, and what there may be of them when the machine stops in between. */
export class RecordedRun {
  readonly changes: readonly Change[];
  readonly #before: Disk;
  readonly #root: string;
  readonly #blobs: string;

  private constructor(changes: readonly Change[], before: Disk, root: string, blobs: string) {
    this.changes = changes;
    this.#before = before;
    this.#root = root;
    this.#blobs = blobs;
  }

  /** `copy` holds what was below `root` before the run; that is taken to be on the disk. */
  static async read(log: string, root: string, copy: string): Promise<RecordedRun> {
    return new RecordedRun(await readChanges(log), await diskAt(copy), root, `${log}.blobs`);
  }

  /** `kill -9` after the first `count` changes: what was handed to the system stays. */
  killed(count: number): Remains {
    return remains(`kill -9 after ${this.#shown(count)}`, this.#replayed(count).disk, 'written');
  }

  /**
   * No power after the first `count` changes. Of contents there is what was synced. Of names: all; or those alone that were
   * synced (a folder that was synced has all that was changed in it until then); or, with `each`, one of the others lost, or kept,
   * alone: of the first and of the last of them, as those in between are files of one pull. A rename is one change, as on every
   * file system with a journal.
   */
  powerless(count: number, { each }: { readonly each: boolean }): Remains[] {
    const { disk, names, synced } = this.#replayed(count);
    const open = names.filter(({ at }) => !synced.has(at));
    const found = [remains(`no power after ${this.#shown(count)}`, disk, 'synced')];
    const add = (title: string, kept: (at: number) => boolean): void => {
      const some = this.#before.copy();
      for (const [inode, file] of disk.files) some.files.set(inode, file);
      for (const inode of disk.folders.keys()) {
        if (!some.folders.has(inode)) some.folders.set(inode, new Map());
      }
      if (names.filter(({ at }) => kept(at)).every((name) => some.apply(name)))
        found.push(remains(`no power after ${this.#shown(count)}, ${title}`, some, 'synced'));
    };
    add('synced names', (at) => synced.has(at));
    for (const { at: one } of each ? new Set([...open.slice(0, 4), ...open.slice(-8)]) : []) {
      add(`without change ${one + 1}`, (at) => at !== one);
      add(`with change ${one + 1} alone`, (at) => at === one || synced.has(at));
    }
    return found;
  }

  #replayed(count: number): { disk: Disk; names: NameChange[]; synced: Set<number> } {
    const disk = this.#before.copy();
    const names: NameChange[] = [];
    const synced = new Set<number>();
    const fileOf = (id: number): File => {
      const file = disk.files.get(fileInode(id));
      if (file === undefined) throw new Error(`file ${id} was never created`);
      return file;
    };
    this.changes.slice(0, count).forEach((change, at) => {
      if (change.op === 'write') {
        const file = fileOf(change.id);
        file.written = (file.written ?? 0) + change.bytes;
      } else if (change.op === 'sync') {
        const file = fileOf(change.id);
        file.synced = file.written;
      } else if (change.op === 'sync-folder') {
        const path = this.#relative(change.path);
        const folder = path === '' ? ROOT : disk.inode(disk.find(path));
        for (const { at: one, removed, added } of names)
          if (one < change.before && (removed?.folder === folder || added?.folder === folder))
            synced.add(one);
      } else {
        const relative =
          'path' in change
            ? { ...change, path: this.#relative(change.path) }
            : { ...change, from: this.#relative(change.from), to: this.#relative(change.to) };
        const name = disk.understood(relative, at, (id) => join(this.#blobs, String(id)));
        if (!disk.apply(name)) throw new Error(`change ${at} cannot have been made`);
        names.push(name);
      }
    });
    return { disk, names, synced };
  }

  #relative(path: string): string {
    return path === this.#root ? '' : path.slice(this.#root.length + 1);
  }

  #shown(count: number): string {
    return `change ${count} of ${this.changes.length} (${shownChange(this.changes[count - 1])})`;
  }
}

function remains(title: string, disk: Disk, which: 'written' | 'synced'): Remains {
  const all = [...disk.walk()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const lines = all.map(({ path, file }) =>
    file === undefined ? `${path}/` : `${path} ${file.source} ${file[which]}`,
  );
  return {
    title,
    signature: createHash('sha256').update(lines.join('\n')).digest('hex'),
    writeTo: async (folder) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      for (const { path, file } of all) {
        const to = join(folder, path);
        if (file === undefined) await mkdir(to, { recursive: true, mode: 0o700 });
        else await writeFileOf(file, file[which], to);
      }
    },
  };
}

/** A whole file is linked: what is written anew is a new file everywhere in this program. */
async function writeFileOf({ source }: File, size: number | undefined, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  if (size === undefined || size === (await stat(source)).size) {
    // Where the disk is another file system there is nothing to link.
    await link(source, to).catch(() => copyFile(source, to));
    return;
  }
  await copyFile(source, to);
  await truncate(to, size);
  // A power cut takes longer than what the lock waits for.
  const before = new Date(Date.now() - 3_600_000);
  await utimes(to, before, before);
}

async function diskAt(copy: string): Promise<Disk> {
  const disk = new Disk(new Map([[ROOT, new Map()]]), new Map());
  const read = async (folder: string, inode: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      disk.folders.get(inode)?.set(entry.name, path);
      if (!entry.isDirectory()) {
        disk.files.set(path, { source: path, written: undefined, synced: undefined });
        continue;
      }
      disk.folders.set(path, new Map());
      await read(path, path);
    }
  };
  await read(copy, ROOT);
  return disk;
}
