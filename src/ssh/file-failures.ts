import { errnoOf, messageOf, StateError } from '../core/errors.js';
import { lastLines, printable } from '../core/terminal-text.js';

/** What was being done to which file, for messages: `write` `/etc/x`. */
export interface FileAction {
  readonly host: string;
  readonly verb: string;
  readonly path: string;
}

/** From what a program of the host said, in the C locale. */
export function fileFailure(action: FileAction, said: string, cause?: unknown): StateError {
  const why = printable(lastLines(said, 1)) || 'the host does not say why';
  const look = `look at ${printable(action.path)} on the host`;
  if (isMissing(said)) return failure(action, 'ssh.file-missing', 'it is not there', cause, look);
  if (/permission denied|operation not permitted|EACCES/i.test(said)) {
    return failure(
      action,
      'ssh.file-denied',
      why,
      cause,
      'check whose rights the login user has there, or use become',
    );
  }
  return failure(action, 'ssh.file-failed', why, cause, `${look}, and whether there is space`);
}

/** From an error of the SFTP library. Errors of ours pass. */
export function sftpFailure(action: FileAction, error: unknown): unknown {
  if (error instanceof StateError || (error instanceof Error && error.name === 'AbortError')) return error;
  return fileFailure(action, isSftpMissing(error) ? 'No such file or directory' : messageOf(error), error);
}

export function fileTooLarge(action: FileAction, limitBytes: number): StateError {
  return failure(
    action,
    'ssh.file-too-large',
    `it has more than ${limitBytes} bytes`,
    undefined,
    'look at that file on the host',
  );
}

/** Relative paths depend on where a command starts, and one that begins with `-` is an option. */
export function requireAbsolute(action: FileAction): void {
  if (action.path.startsWith('/') && !action.path.includes('\0')) return;
  throw failure(
    action,
    'ssh.path-invalid',
    'it is not an absolute path',
    undefined,
    'give the whole path, from /',
  );
}

export function isMissing(said: string): boolean {
  return /no such file|does not exist|directory nonexistent/i.test(said);
}

/** SSH_FX_NO_SUCH_FILE, as a number from ssh2 and as text from ssh2-sftp-client. */
export function isSftpMissing(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  if ('code' in error && error.code === 2) return true;
  return errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ERR_GENERIC_CLIENT_NOT_EXIST';
}

function failure(
  { host, verb, path }: FileAction,
  code: string,
  why: string,
  cause: unknown,
  next?: string,
): StateError {
  return new StateError({
    kind: 'failed',
    code,
    host,
    what: `${host} could not ${verb} ${printable(path)}`,
    why,
    ...(next !== undefined && { next }),
    ...(cause !== undefined && { cause }),
  });
}
