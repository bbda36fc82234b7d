import { EventEmitter } from 'node:events';
import type { SFTPWrapper } from 'ssh2';
import SftpClient from 'ssh2-sftp-client';

/**
 * ssh2-sftp-client on an SFTP session that is open already. The library can only connect by itself; all its file
 * operations go to its `sftp` property, though, and it only listens to its own connection, which is none here. It cannot see that ours is
 * lost: whoever calls it has to watch that. Its `end()` must not be called; the session ends with the connection.
 */
export function attachSftpClient(session: SFTPWrapper): SftpClient {
  const silent = (): void => undefined;
  const client = new SftpClient('coolify-state', { error: silent, end: silent, close: silent });
  // Every operation under way adds listeners: any number is right.
  return Object.assign(client, { sftp: session, client: new EventEmitter().setMaxListeners(0) });
}
