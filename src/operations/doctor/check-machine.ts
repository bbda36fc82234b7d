import { hasZstd } from '../../archive/zstd.js';
import { StateError } from '../../core/errors.js';
import { nativeCryptoAvailable } from '../../ssh/native-crypto.js';
import { bad, type Finding, fine, skipped, warning } from '../hosts/finding.js';

/** The oldest Node that this program is tested with; the package says the same in `engines`. */
const OLDEST = [20, 19] as const;

/** What this machine runs the program with. */
export function checkMachine(
  node: string = process.versions.node,
  { nativeCrypto = nativeCryptoAvailable(), zstd = hasZstd() } = {},
): readonly Finding[] {
  return [
    nodeFinding(node),
    nativeCrypto
      ? fine('machine.ssh-ciphers', 'SSH uses compiled ciphers')
      : warning(
          'machine.ssh-ciphers',
          'SSH falls back to ciphers in JavaScript, which are slower by a factor of about 2.5',
          'build them: npm rebuild ssh2 (needs a C++ compiler and python3)',
        ),
    zstd
      ? fine('machine.zstd', 'snapshots compressed with zstd can be made and opened')
      : skipped(
          'machine.zstd',
          `Node ${node} has no zstd: snapshots are compressed with gzip, as they are by default`,
        ),
  ];
}

function nodeFinding(node: string): Finding {
  const [major = 0, minor = 0] = node.split('.').map(Number);
  const [oldest, oldestMinor] = OLDEST;
  if (major > oldest || (major === oldest && minor >= oldestMinor))
    return fine('machine.node', `Node ${node}`);
  return bad(
    'machine.node',
    new StateError({
      kind: 'usage',
      code: 'machine.node-too-old',
      what: `Node ${node} is too old`,
      next: `install Node ${OLDEST.join('.')} or newer`,
    }),
  );
}
