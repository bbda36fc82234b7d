import { printable } from '../core/terminal-text.js';
import { seconds } from './connect-failures.js';
import type { ConnectionEvent } from './endpoint.js';

/** What the protocol comes to, step by step, for someone who looks for a fault; undefined for what is told anyway. */
export function protocolNews(event: ConnectionEvent): string | undefined {
  switch (event.type) {
    case 'handshake':
      return `key exchange ${event.keyExchange}, cipher ${event.cipher}${event.native ? '' : ' (in JavaScript, slow)'}`;
    case 'authenticated':
      return `logged in by ${event.method}`;
    case 'banner':
      return `the server says: ${printable(event.text.trim())}`;
    default:
      return undefined;
  }
}

/** What of a connection's events a person should be told although nothing failed; undefined for the others. */
export function connectionNews(event: ConnectionEvent): string | undefined {
  switch (event.type) {
    case 'retry': {
      const { error, retry, of, pauseMs } = event;
      return `${error.message}; trying again in ${seconds(pauseMs)} (${retry} of ${of})`;
    }
    case 'host-key-accepted':
      return `its host key ${event.fingerprint} was unknown and is now trusted: written to ${printable(event.file)}`;
    default:
      return undefined;
  }
}
