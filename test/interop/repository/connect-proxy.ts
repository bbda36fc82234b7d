import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { listening, stopped } from './tls.js';

export interface ConnectProxy {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** Where it was asked to connect to, and with which authorization. */
  readonly asked: { readonly target: string; readonly authorization: string | undefined }[];
  /** With which status it answers, 200 by default. */
  status: number;
  stop(): Promise<void>;
}

/** An HTTP proxy that makes tunnels, whatever they are asked to, to one port of this machine. */
export async function startConnectProxy(port: () => number): Promise<ConnectProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((_request, response) => response.writeHead(405).end());
  const proxy: ConnectProxy = {
    get address() {
      const address = server.address();
      return `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    },
    asked: [],
    status: 200,
    stop: () => stopped(server, sockets),
  };
  server.on('connection', (socket) => sockets.add(socket.on('error', () => {})));
  server.on('connect', (request, client) => {
    proxy.asked.push({
      target: request.url ?? '',
      authorization: request.headers['proxy-authorization'],
    });
    if (proxy.status !== 200) {
      client.end(`HTTP/1.1 ${proxy.status} No\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const upstream = connect({ host: '127.0.0.1', port: port() }, () => {
      client.write('HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n');
      client.pipe(upstream);
      upstream.pipe(client);
    });
    sockets.add(upstream);
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
  });
  await listening(server);
  return proxy;
}
