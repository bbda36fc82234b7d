import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { recordOutput } from './whole-run/record.js';

/** A request that a listener got. */
export interface Heard {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Listener {
  readonly port: number;
  readonly heard: Heard[];
  close(): Promise<void>;
}

/** An HTTP server that writes down what it is sent, and answers with the status that `answer` gives. */
export async function httpListener(answer: (request: Heard) => number = () => 200): Promise<Listener> {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const one = {
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(pieces).toString(),
      };
      heard.push(one);
      recordOutput('notifications', `${one.path}\n${one.body}`);
      response.writeHead(answer(one)).end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server.address()),
    heard,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

export interface MailListener {
  readonly port: number;
  /** Whole sessions: what the client said, line by line. */
  readonly said: string[];
  close(): Promise<void>;
}

/** As much of SMTP (RFC 5321) as it takes to be handed a mail. */
export async function mailListener(): Promise<MailListener> {
  const said: string[] = [];
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    let inMessage = false;
    let rest = '';
    const reply = (line: string): void => {
      socket.write(`${line}\r\n`);
    };
    reply('220 listener ESMTP');
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        said.push(line);
        if (inMessage) {
          recordOutput('notifications', line);
          if (line !== '.') continue;
          inMessage = false;
          reply('250 taken');
        } else if (/^EHLO/i.test(line)) {
          reply('250-listener\r\n250 AUTH PLAIN LOGIN');
        } else if (/^AUTH PLAIN/i.test(line)) {
          reply('235 welcome');
        } else if (/^DATA/i.test(line)) {
          inMessage = true;
          reply('354 go on');
        } else {
          reply(/^QUIT/i.test(line) ? '221 bye' : '250 ok');
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server.address()),
    said,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the listener has no port');
  return address.port;
}
