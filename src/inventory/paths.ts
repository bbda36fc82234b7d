import { join, posix } from 'node:path';

/** The variables of the environment, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * `~` and `~/x` with the home of the environment, as the shell and Ansible do. Another user's home (`~name/x`) is
 * not looked up: the text stays as it is.
 */
export function expandHome(path: string, env: Environment): string {
  const home = env['HOME'];
  if (home === undefined || home === '' || !(path === '~' || path.startsWith('~/'))) return path;
  return path === '~' ? home : join(home, path.slice(2));
}

/** Python's `os.path.basename`: what follows the last slash, which may be nothing. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Python's `os.path.dirname`: what stands before the last slash. */
export function folderName(path: string): string {
  const head = path.slice(0, path.lastIndexOf('/') + 1);
  return /^\/+$/.test(head) ? head : head.replace(/(?<!\/)\/+$/, '');
}

/** How a path is shown: relative to the working directory where it is inside it. */
export function shownPath(path: string, cwd: string): string {
  const relative = posix.relative(cwd, path);
  return relative === '' || relative.startsWith('../') || relative === '..' ? path : relative;
}
