import type { ChangeOfNames } from './recorded-changes.js';

/** A file system as inodes: folders that give names to numbers, files of which so much is written and so much is synced. */
export interface File {
  /** Where its whole content is. */
  readonly source: string;
  /** Undefined: as long as that. */
  written: number | undefined;
  synced: number | undefined;
}

/** A change of names by inodes: on the disk it is there whole, or not at all. */
export interface NameChange {
  readonly at: number;
  readonly removed?: Place;
  readonly added?: Place & { readonly inode: string };
}

export interface Place {
  readonly folder: string;
  readonly name: string;
}

export class Disk {
  readonly folders: Map<string, Map<string, string>>;
  readonly files: Map<string, File>;

  constructor(folders: ReadonlyMap<string, ReadonlyMap<string, string>>, files: ReadonlyMap<string, File>) {
    this.folders = new Map([...folders].map(([inode, entries]) => [inode, new Map(entries)]));
    this.files = new Map([...files].map(([inode, file]) => [inode, { ...file }]));
  }

  copy(): Disk {
    return new Disk(this.folders, this.files);
  }

  /** The folder that holds a path relative to the root, and its name there. */
  find(path: string): Place {
    const parts = path.split('/');
    const name = parts.pop() ?? '';
    const folder = parts.reduce((inode, part) => this.inode({ folder: inode, name: part }), ROOT);
    return { folder, name };
  }

  inode({ folder, name }: Place): string {
    const inode = this.folders.get(folder)?.get(name);
    if (inode === undefined) throw new Error(`there is no ${name} in ${folder}`);
    return inode;
  }

  /** A change by paths as a change by inodes. The inodes that it brings are made, without a name. */
  understood(change: ChangeOfNames, at: number, sourceOf: (id: number) => string): NameChange {
    switch (change.op) {
      case 'mkdir': {
        const inode = `folder made by change ${at}`;
        this.folders.set(inode, new Map());
        return { at, added: { ...this.find(change.path), inode } };
      }
      case 'create': {
        const inode = fileInode(change.id);
        this.files.set(inode, { source: sourceOf(change.id), written: 0, synced: 0 });
        return { at, added: { ...this.find(change.path), inode } };
      }
      case 'rename': {
        const removed = this.find(change.from);
        return { at, removed, added: { ...this.find(change.to), inode: this.inode(removed) } };
      }
      case 'link':
        return { at, added: { ...this.find(change.to), inode: this.inode(this.find(change.from)) } };
      case 'remove':
        return { at, removed: this.find(change.path) };
    }
  }

  /** False where no file system could come to that: another folder, which is not empty, would be replaced. */
  apply({ removed, added }: NameChange): boolean {
    if (added !== undefined) {
      const replaced = this.folders.get(added.folder)?.get(added.name);
      if (replaced !== undefined && (this.folders.get(replaced)?.size ?? 0) > 0) return false;
    }
    if (removed !== undefined) this.folders.get(removed.folder)?.delete(removed.name);
    if (added !== undefined) this.folders.get(added.folder)?.set(added.name, added.inode);
    return true;
  }

  /** Every file and every folder that can be reached, by path. */
  *walk(inode = ROOT, at = ''): Generator<{ readonly path: string; readonly file?: File }> {
    for (const [name, below] of this.folders.get(inode) ?? []) {
      const path = at === '' ? name : `${at}/${name}`;
      const file = this.files.get(below);
      if (file !== undefined) yield { path, file };
      else {
        yield { path };
        yield* this.walk(below, path);
      }
    }
  }
}

export const ROOT = 'root';

export function fileInode(id: number): string {
  return `file ${id}`;
}
