import type { Connection } from '../../../src/ssh/connection.js';

/** A connection for judgements that ask no host: whatever is asked of it fails the test. */
export function connectionThatMustNotBeUsed(): Connection {
  const used = (): never => {
    throw new Error('a host was asked');
  };
  return {
    host: 'h',
    address: '192.0.2.1',
    port: 22,
    hostKey: { type: 'ssh-ed25519', blob: Buffer.alloc(0), fingerprint: 'SHA256:' },
    run: used,
    open: used,
    files: {
      stat: used,
      list: used,
      read: used,
      download: used,
      write: used,
      mkdir: used,
      rename: used,
      remove: used,
    },
    close: used,
    [Symbol.asyncDispose]: used,
  };
}
