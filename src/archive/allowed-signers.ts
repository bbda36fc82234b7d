import { StateError } from '../core/errors.js';
import { sshFingerprint } from '../core/ssh-fingerprint.js';
import { fitsWildcard } from '../core/wildcard.js';

/** Whose signatures are believed. */
export interface AllowedSigner {
  /** As the file names them: `ops@example.com`, or a pattern. The comment of a plain public key. */
  readonly principals: string;
  /** `SHA256:...` */
  readonly fingerprint: string;
  /** Patterns of what the signature may be for; for everything when undefined. */
  readonly namespaces: readonly string[] | undefined;
  /** Signatures of before or after are not believed. */
  readonly validAfter: Date | undefined;
  readonly validBefore: Date | undefined;
}

/**
 * Reads a file of allowed signers (ssh-keygen(1), ALLOWED SIGNERS) or of plain public keys. Authorities (`cert-authority`) are
 * passed over: signatures with certificates are not made here.
 *
 * @throws StateError `signers.invalid` with the line
 */
export function parseAllowedSigners(text: string, path: string): AllowedSigner[] {
  return text.split('\n').flatMap((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return [];
    const signer = signerOf(line);
    if (signer === undefined) throw invalid(`${path}:${index + 1}`);
    return signer === 'authority' ? [] : [signer];
  });
}

/** The signer whose key made a signature at some time, or why it is not believed. */
export function believed(
  signers: readonly AllowedSigner[],
  fingerprint: string,
  namespace: string,
  at: Date,
): AllowedSigner | { readonly why: string } {
  const own = signers.filter((signer) => signer.fingerprint === fingerprint);
  if (own.length === 0) return { why: `the key ${fingerprint} is none of those that are believed` };
  const meant = own.filter(
    ({ namespaces }) => namespaces?.some((pattern) => fitsWildcard(pattern, namespace)) !== false,
  );
  if (meant.length === 0) return { why: `the key ${fingerprint} may not sign for ${namespace}` };
  const valid = meant.find(
    ({ validAfter, validBefore }) =>
      (validAfter === undefined || at >= validAfter) && (validBefore === undefined || at < validBefore),
  );
  return valid ?? { why: `the key ${fingerprint} was not valid at ${at.toISOString()}` };
}

/** A field: characters and quoted parts, which may hold spaces. */
const FIELD = /(?:[^\s"]|"(?:\\.|[^"\\])*")+/y;
const KEY_TYPE = /^(?:ssh-|ecdsa-|sk-)/;

function signerOf(line: string): AllowedSigner | 'authority' | undefined {
  const fields: string[] = [];
  const rest = new RegExp(FIELD);
  while (fields.length < 4) {
    const [field] = rest.exec(line) ?? [];
    if (field === undefined) break;
    fields.push(field);
    while (/\s/.test(line[rest.lastIndex] ?? '')) rest.lastIndex++;
  }
  const at = fields.findIndex((field) => KEY_TYPE.test(field));
  const encoded = fields[at + 1] ?? '';
  const blob = Buffer.from(encoded, 'base64');
  if (at < 0 || at > 2 || blob.length === 0 || blob.toString('base64') !== encoded) return undefined;
  const options = optionsOf(at === 2 ? (fields[1] ?? '') : '');
  if (options === undefined) return undefined;
  if (options.has('cert-authority')) return 'authority';
  const validAfter = timeOf(options.get('valid-after'));
  const validBefore = timeOf(options.get('valid-before'));
  if (validAfter === null || validBefore === null) return undefined;
  return {
    principals: at === 0 ? (fields[2] ?? '') : unquoted(fields[0] ?? ''),
    fingerprint: sshFingerprint(blob),
    namespaces: options.get('namespaces')?.split(','),
    validAfter,
    validBefore,
  };
}

/** Undefined for options that are not known: what they would restrict cannot be guessed. */
function optionsOf(text: string): Map<string, string> | undefined {
  const options = new Map<string, string>();
  for (const [, name = '', value = ''] of text.matchAll(/([^,="]+)(?:="((?:\\.|[^"\\])*)")?(?:,|$)/g)) {
    if (!KNOWN_OPTIONS.includes(name.toLowerCase())) return undefined;
    options.set(name.toLowerCase(), value);
  }
  return options;
}

const KNOWN_OPTIONS: readonly string[] = ['cert-authority', 'namespaces', 'valid-after', 'valid-before'];

/** `YYYYMMDD[HHMM[SS]][Z]`, of this machine's zone without `Z`. Null when it is none. */
function timeOf(text: string | undefined): Date | undefined | null {
  if (text === undefined) return undefined;
  const match = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z?)$/i.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour = '00', minute = '00', second = '00', zone = ''] = match;
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone.toUpperCase()}`);
  return Number.isNaN(time.getTime()) ? null : time;
}

function unquoted(text: string): string {
  return text.replace(/^"(.*)"$/, '$1');
}

function invalid(where: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'signers.invalid',
    what: `${where} is no line of allowed signers`,
    next: 'write "NAME ssh-ed25519 AAAA...", as ssh-keygen(1) says in ALLOWED SIGNERS, or a public key as in a .pub file',
  });
}
