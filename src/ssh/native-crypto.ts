import { createRequire } from 'node:module';

/**
 * Whether ssh2's compiled ciphers are in use. It falls back to JavaScript without a word when its addon was not
 * built or was built for another Node, and is then slower by a factor of about 2.5.
 */
export function nativeCryptoAvailable(): boolean {
  const loaded: unknown = createRequire(import.meta.url)('ssh2/lib/protocol/crypto.js');
  return (
    typeof loaded === 'object' &&
    loaded !== null &&
    'bindingAvailable' in loaded &&
    loaded.bindingAvailable === true
  );
}
