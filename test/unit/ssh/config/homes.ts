import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { StateError } from '../../../../src/core/errors.js';
import { parseArguments } from '../../../../src/ssh/config/arguments.js';
import { ConfigFiles } from '../../../../src/ssh/config/config-files.js';
import { type ResolveContext, type ResolvedHost, resolveHost } from '../../../../src/ssh/config/resolve.js';

/** A home and a system folder of a test's own. */
export interface Home {
  readonly folder: string;
  readonly context: ResolveContext;
  /** What ssh would make of a host here, with these arguments. */
  resolve(host: string, args?: string): ResolvedHost;
  /** The error that it ends in. */
  fault(host: string, args?: string): StateError;
}

/**
 * Writes files: paths that begin with `etc/` belong to the system's folder, all others to the home. `@/` in a text is
 * the folder of both.
 */
export async function homeWith(
  files: Readonly<Record<string, string>>,
  more: Partial<ResolveContext> = {},
): Promise<Home> {
  const folder = await mkdtemp(join(tmpdir(), 'ssh-home-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const home = join(folder, 'home');
  for (const [name, text] of Object.entries(files)) {
    const path = name.startsWith('etc/') ? join(folder, name) : join(home, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text.replaceAll('@/', `${folder}/`));
    await chmod(path, 0o600);
  }
  const context: ResolveContext = {
    machine: {
      home,
      localUser: 'me',
      uid: 1000,
      hostname: 'desk.example',
      env: { HOME: home, NAME: 'value' },
    },
    files: new ConfigFiles(home),
    defaultUser: 'root',
    systemFolder: join(folder, 'etc'),
    cwd: folder,
    choice: 'usual',
    everywhere: [],
    ...more,
  };
  const resolve = (host: string, args = ''): ResolvedHost =>
    resolveHost(host, parseArguments(args, 'ansible_ssh_common_args', { cwd: folder, home }), context);
  return {
    folder,
    context,
    resolve,
    fault(host, args) {
      try {
        resolve(host, args);
      } catch (error) {
        if (error instanceof StateError) return error;
        throw error;
      }
      throw new Error('it did not fail');
    },
  };
}
