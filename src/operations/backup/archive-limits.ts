import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArchiveLimits, DEFAULT_LIMITS } from '../../archive/tar-rules.js';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { Sidecar } from '../../repository/snapshots/sidecar.js';
import { MANIFEST, parseManifest } from '../../state/manifest.js';

/** The manifest and its guide come on top of what a sidecar counts. */
const BESIDE_FILES = 2;
const BESIDE_BYTES = 64 * 1024 ** 2;

/** How much may come out of a snapshot: what its sidecar says, or else what no controller holds. */
export function limitsOf(sidecar?: Pick<Sidecar, 'files' | 'plainSize'>): ArchiveLimits {
  if (sidecar?.plainSize === undefined) return DEFAULT_LIMITS;
  const bytes = sidecar.plainSize + BESIDE_BYTES;
  return { ...DEFAULT_LIMITS, files: sidecar.files + BESIDE_FILES, bytes, fileBytes: bytes };
}

/**
 * Holds what comes out of an archive against the manifest in it, as soon as that lies in `folder`. What we write begins
 * with the guide and the manifest, so that nothing else gets to the disk that is not announced there in its size. An
 * archive made by hand may have the manifest elsewhere; it is proven when all is unpacked.
 */
export class ManifestWatch {
  readonly #folder: string;
  #announced: ReadonlyMap<string, number> | undefined;
  #isComing = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Whether a file is to be written: false for what the manifest does not name.
   *
   * @throws StateError `snapshot.size-differs`, `manifest.invalid`, both of kind `proof`
   */
  async wants({ path, size }: { readonly path: string; readonly size: number }): Promise<boolean> {
    if (path === MANIFEST) {
      this.#isComing = true;
      return true;
    }
    if (this.#isComing) this.#announced ??= await this.#read();
    if (this.#announced === undefined) return true;
    const announced = this.#announced.get(path);
    if (announced !== undefined && announced !== size) throw sizeDiffers(path, size, announced);
    return announced !== undefined;
  }

  async #read(): Promise<ReadonlyMap<string, number>> {
    const manifest = parseManifest(await readFile(join(this.#folder, MANIFEST), 'utf8'), 'the archive');
    return new Map(manifest.files.map((file) => [file.path, file.size]));
  }
}

function sizeDiffers(path: string, size: number, announced: number): StateError {
  return new StateError({
    kind: 'proof',
    code: 'snapshot.size-differs',
    what: `The snapshot holds ${printable(path)} in another size than its manifest says`,
    why: `it has ${size} bytes, and the manifest says ${announced}`,
    next: 'use another snapshot; this one is damaged or was not made by coolify-state',
  });
}
