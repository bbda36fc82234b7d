// What is measured is what people get: the program and the drivers, bundled as the package is.
import { copyFile, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import zlib from 'node:zlib';
import { bundle } from '../../release/bundle.mjs';
import { PROJECT } from './lab.mjs';

/** Where this Node has zstd (22.15 and newer), zstd is held against it. */
export const HAS_ZSTD = 'createZstdCompress' in zlib;
export const WITH_ZSTD = { COOLIFY_STATE_COMPRESSION: 'zstd' };

const DRIVERS = join(PROJECT, 'bench/drivers');
/** What `make build` has made, or another build of it. */
export const BUILD = resolve(process.env['COOLIFY_STATE_BUILD'] ?? join(PROJECT, 'dist'));
/** Below the project, where its dependencies are found. */
const PACKAGE = join(PROJECT, '.lab/bench');

export const PROGRAM = join(PACKAGE, 'dist/main.js');

const bundled = (name) => join(PACKAGE, 'drivers', `${name}.js`);

/** A step of ours as a process of its own: the arguments of Node for it. */
export const driver = (name) => [bundled('run'), name];

/** To be preloaded, with `--import`. */
export const WITHOUT_NATIVE = bundled('without-native');

/** Makes all of that from the build. */
export async function bundleAsPublished() {
  await rm(PACKAGE, { recursive: true, force: true });
  await bundle({ main: join(BUILD, 'cli/main.js') }, join(PACKAGE, 'dist'));
  const files = (await readdir(DRIVERS)).filter((file) => file !== 'parts.mjs');
  const drivers = Object.fromEntries(files.map((file) => [file.replace(/\.mjs$/, ''), join(DRIVERS, file)]));
  await bundle(drivers, join(PACKAGE, 'drivers'), [otherBuild]);
  // The program reads its version there.
  await copyFile(join(PROJECT, 'package.json'), join(PACKAGE, 'package.json'));
}

/** The drivers name modules of `dist`. */
const otherBuild = {
  name: 'other-build',
  resolveId(id, importer) {
    if (importer === undefined || !id.startsWith('../../dist/')) return null;
    return join(BUILD, id.slice('../../dist/'.length));
  },
};
