import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { rootCertificates, connect as tlsConnect } from 'node:tls';
import { proxyFor } from './proxy.js';
import type { CheckedS3Settings } from './settings.js';
import { openTunnel } from './tunnel.js';

export interface S3Agents {
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
}

const OPTIONS = { keepAlive: true, maxSockets: 64 };

/** The connections to a store: kept for the next request, through a proxy where one is set, and with its certificates. */
export function s3Agents(settings: CheckedS3Settings): S3Agents {
  const { ca } = settings;
  // What is given here replaces what Node brings.
  const trusted = ca === undefined ? {} : { ca: [...rootCertificates, ca] };
  return {
    httpAgent: new TunnelledHttpAgent(settings),
    httpsAgent: new TunnelledHttpsAgent(settings, trusted),
  };
}

type CreateConnection = HttpAgent['createConnection'];

class TunnelledHttpAgent extends HttpAgent {
  readonly #settings: CheckedS3Settings;

  constructor(settings: CheckedS3Settings) {
    super(OPTIONS);
    this.#settings = settings;
  }

  override createConnection(
    ...[options, callback]: Parameters<CreateConnection>
  ): ReturnType<CreateConnection> {
    const host = String(options.host);
    const port = Number(options.port ?? 80);
    const proxy = proxyFor(this.#settings.proxy, { secure: false, host, port });
    if (proxy === undefined) return super.createConnection(options, callback);
    openTunnel(proxy, { host, port, timeout: this.#settings.connectTimeout }, (error, tunnel) => {
      callback?.(error, tunnel);
      // It stood still so that nothing is lost; from here on the request reads it.
      tunnel.resume();
    });
    return undefined;
  }
}

class TunnelledHttpsAgent extends HttpsAgent {
  readonly #settings: CheckedS3Settings;
  readonly #trusted: { readonly ca?: string[] };

  constructor(settings: CheckedS3Settings, trusted: { readonly ca?: string[] }) {
    super({ ...OPTIONS, ...trusted });
    this.#settings = settings;
    this.#trusted = trusted;
  }

  override createConnection(
    ...[options, callback]: Parameters<CreateConnection>
  ): ReturnType<CreateConnection> {
    const host = String(options.host);
    const port = Number(options.port ?? 443);
    const proxy = proxyFor(this.#settings.proxy, { secure: true, host, port });
    if (proxy === undefined) return super.createConnection(options, callback);
    openTunnel(proxy, { host, port, timeout: this.#settings.connectTimeout }, (error, tunnel) =>
      callback?.(error, error === null ? this.#secured(tunnel, host) : tunnel),
    );
    return undefined;
  }

  /** The store's certificate is checked as without a proxy: it sees nothing but where we go. */
  #secured(tunnel: Socket, host: string) {
    return tlsConnect({ ...this.#trusted, socket: tunnel, host, servername: isIP(host) === 0 ? host : '' });
  }
}
