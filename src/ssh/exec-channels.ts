import type { Writable } from 'node:stream';
import type { Client } from 'ssh2';
import { describe, type RemoteCommand, render } from './command.js';
import type { ConnectionLife } from './connection-life.js';
import { ChannelProcess } from './remote-process.js';
import { sessionRefused } from './run-failures.js';
import { Sessions } from './sessions.js';

export interface Start {
  /** What is really run: the command and what surrounds it. */
  readonly argv: readonly [string, ...string[]];
  readonly marker: string;
  /** The command as it was asked for, for messages. */
  readonly remote: RemoteCommand;
  readonly signal: AbortSignal | undefined;
}

/** Starts commands on channels of one connection, never more at once than the host allows. */
export class ExecChannels {
  readonly #host: string;
  readonly #client: Client;
  readonly #socket: Writable;
  readonly #life: ConnectionLife;
  readonly #sessions = new Sessions(MAX_COMMANDS);

  constructor(host: string, client: Client, socket: Writable, life: ConnectionLife) {
    this.#host = host;
    this.#client = client;
    this.#socket = socket;
    this.#life = life;
  }

  /** @throws StateError `ssh.session-refused`, `ssh.command-too-long`; how the connection ended; the signal's reason */
  async start(start: Start): Promise<ChannelProcess> {
    const { remote, signal } = start;
    const line = render({ argv: start.argv, summary: remote.summary });
    for (;;) {
      this.#life.require(describe(remote));
      const leave = await this.#sessions.enter(signal);
      try {
        return await this.#open(line, start, leave);
      } catch (error) {
        if (!isRefusedSession(error)) throw error;
        // The host allows fewer at once than was thought. With none open, waiting for one to end would not help.
        const hope = this.#sessions.lower();
        leave();
        if (!hope) throw sessionRefused(this.#host, describe(remote), error);
      }
    }
  }

  /** Ends the waiting of those whose turn has not come. */
  abort(reason: unknown): void {
    this.#sessions.abort(reason);
  }

  async #open(line: string, { marker, remote, signal }: Start, leave: () => void): Promise<ChannelProcess> {
    const command = describe(remote);
    const opening = new Promise<ChannelProcess>((resolve, reject) => {
      this.#client.exec(line, (error, channel) => {
        if (error) {
          reject(error);
          return;
        }
        channel.once('close', leave);
        // Now, not a moment later: the exit status of a short command may stand in the same packet.
        resolve(new ChannelProcess({ channel, socket: this.#socket, marker, host: this.#host, command }));
      });
    });
    try {
      const process = await this.#life.guard(command, opening, signal);
      this.#life.watch(process, signal);
      return process;
    } catch (error) {
      // The place stays taken until the host has answered; a channel that opens too late is closed.
      opening.then((process) => process.fail(error), leave);
      throw error;
    }
  }
}

/** sshd's MaxSessions is 10; one is left for SFTP, one for chance. */
const MAX_COMMANDS = 8;

/** SSH_OPEN_CONNECT_FAILED is what sshd answers beyond MaxSessions, SSH_OPEN_RESOURCE_SHORTAGE what others do. */
function isRefusedSession(error: unknown): boolean {
  return error instanceof Error && 'reason' in error && (error.reason === 2 || error.reason === 4);
}
