import { connect } from 'node:net';
import { messageOf } from '../core/errors.js';
import { agentFailure, completeMessage } from './agent-protocol.js';

export interface Question {
  readonly signal: AbortSignal;
  /** How long to wait for the answer. */
  readonly limitMs: number;
}

/**
 * Asks a running agent one thing, over a connection of its own.
 * @throws StateError `ssh.agent-missing`, `ssh.agent-answer`, `ssh.agent-silent`; the signal's reason
 */
export async function askAgent(path: string, request: Buffer, question: Question): Promise<Buffer> {
  const { signal, limitMs } = question;
  signal.throwIfAborted();
  const socket = connect({ path });
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      timer = setTimeout(
        () => reject(agentFailure('ssh.agent-silent', 'The SSH agent does not answer', SILENT)),
        limitMs,
      );
      let received = Buffer.alloc(0);
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk]);
        try {
          const message = completeMessage(received);
          if (message) resolve(message);
        } catch (error) {
          reject(error);
        }
      });
      socket.on('error', (error) =>
        reject(agentFailure('ssh.agent-missing', 'The SSH agent cannot be asked', messageOf(error), error)),
      );
      socket.on('close', () =>
        reject(agentFailure('ssh.agent-answer', 'The SSH agent hung up', 'without an answer')),
      );
      socket.write(request);
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

const SILENT = 'nothing came in time; it may be locked, or waiting for somebody';
