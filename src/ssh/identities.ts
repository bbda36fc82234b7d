import { createPrivateKey } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import ssh2, { type ParsedKey } from 'ssh2';
import { errnoOf, messageOf } from '../core/errors.js';
import type { Secret } from '../core/secret.js';
import { type AgentIdentities, agentIdentities } from './agent.js';
import { openSshPublicBlob } from './openssh-key.js';

/** A key that can be offered to a server. The private half is opened only when the server would accept it. */
export interface Identity {
  /** For messages: the file, or the agent's comment. */
  readonly label: string;
  /** Public half. */
  readonly key: ParsedKey;
  /** @throws Error with a sentence that says why this key cannot sign */
  sign(data: Buffer, hash: string | undefined): Promise<Buffer>;
}

export interface IdentitySources {
  readonly identityFiles: readonly string[];
  readonly agentSocket?: string;
  /** Whether the agent's keys are offered only where a file names them. */
  readonly identitiesOnly?: boolean;
  /** Whether all that the agent holds comes before files that it does not hold. */
  readonly agentFirst?: boolean;
  readonly passphrase?: (keyFile: string, attempt: number) => Promise<Secret | undefined>;
}

export interface FoundIdentities {
  /** In the order in which they are to be tried: the files, then what else the agent holds, or the agent first. */
  readonly identities: readonly Identity[];
  /** One sentence for each source that gave nothing. */
  readonly skipped: readonly string[];
}

/**
 * Collects the keys of files and agent. A source that fails is skipped with its reason, as in OpenSSH.
 * @throws the signal's reason
 */
export async function findIdentities(
  sources: IdentitySources,
  signal: AbortSignal,
): Promise<FoundIdentities> {
  const { agentSocket, identitiesOnly = false, agentFirst = false } = sources;
  const skipped: string[] = [];
  const held = await heldBy(agentSocket, signal, (why) => skipped.push(`agent ${agentSocket}: ${why}`));
  if (!identitiesOnly) skipped.push(...held.skipped);
  const identities: Identity[] = [];
  for (const file of sources.identityFiles) {
    try {
      identities.push(await fileIdentity(file, sources, held.identities));
    } catch (error) {
      skipped.push(`${file}: ${errnoOf(error) === 'ENOENT' ? 'no such file' : messageOf(error)}`);
    }
  }
  const others = held.identities.filter(
    ({ key }) => !identities.some((identity) => samePublicKey(identity.key, key)),
  );
  const isHeld = (identity: Identity): boolean =>
    held.identities.some(({ key }) => samePublicKey(key, identity.key));
  const first = agentFirst ? identities.filter(isHeld) : identities;
  const last = agentFirst ? identities.filter((identity) => !isHeld(identity)) : [];
  return { identities: [...first, ...(identitiesOnly ? [] : others), ...last], skipped };
}

async function heldBy(
  socket: string | undefined,
  signal: AbortSignal,
  onFailure: (why: string) => void,
): Promise<AgentIdentities> {
  try {
    if (socket !== undefined) return await agentIdentities(socket, signal);
  } catch (error) {
    signal.throwIfAborted();
    onFailure(messageOf(error));
  }
  return { identities: [], skipped: [] };
}

async function fileIdentity(
  file: string,
  { passphrase }: IdentitySources,
  held: readonly Identity[],
): Promise<Identity> {
  const content = await readFile(file);
  const open = parsed(content);
  if (open?.isPrivateKey()) {
    await refuseOpenToOthers(file);
    return signing(file, open, async () => open);
  }
  const publicKey =
    open ??
    parsed(openSshPublicBlob(content)) ??
    parsed(await readFile(`${file}.pub`).catch(() => undefined));
  if (publicKey === undefined) {
    // An encrypted PEM file does not tell its public half.
    await refuseOpenToOthers(file);
    const key = await decrypted(file, content, passphrase);
    return signing(file, key, async () => key);
  }
  const inAgent = held.find(({ key }) => samePublicKey(key, publicKey));
  if (inAgent) return { ...inAgent, label: `${file} (in the agent)` };
  if (open !== undefined)
    throw new Error('holds only a public key, and the agent does not have its private half');
  await refuseOpenToOthers(file);
  let opened: Promise<ParsedKey> | undefined;
  return signing(file, publicKey, () => {
    opened ??= decrypted(file, content, passphrase);
    return opened;
  });
}

function signing(label: string, key: ParsedKey, privateKey: () => Promise<ParsedKey>): Identity {
  return {
    label,
    key,
    async sign(data, hash) {
      const signature: Buffer | Error = (await privateKey()).sign(data, hash);
      if (signature instanceof Error) throw signature;
      return signature;
    },
  };
}

async function decrypted(
  file: string,
  content: Buffer,
  ask: IdentitySources['passphrase'],
): Promise<ParsedKey> {
  if (!looksEncrypted(content)) throw new Error('is not a private key that can be read');
  for (let attempt = 1; attempt <= PASSPHRASE_ATTEMPTS; attempt += 1) {
    const secret = await ask?.(file, attempt);
    if (secret === undefined && attempt === 1) throw new Error('is encrypted, and no passphrase was given');
    if (secret === undefined) break;
    const key = parsed(content, secret.reveal());
    if (key?.isPrivateKey()) return key;
  }
  throw new Error('the passphrase does not open it');
}

/** As OpenSSH's NumberOfPasswordPrompts. */
const PASSPHRASE_ATTEMPTS = 3;

/** Undefined when it cannot be read, be it garbage or encrypted. */
function parsed(content: Buffer | string | undefined, passphrase?: string): ParsedKey | undefined {
  if (content === undefined) return undefined;
  const key = ssh2.utils.parseKey(pkcs8ToTraditional(content, passphrase) ?? content, passphrase);
  if (key instanceof Error) return undefined;
  return Array.isArray(key) ? key[0] : key;
}

/** ssh2 knows the older PEM forms of RSA and EC keys, not PKCS #8. */
function pkcs8ToTraditional(content: Buffer | string, passphrase: string | undefined): string | undefined {
  if (!/^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/m.test(content.toString('latin1'))) return undefined;
  try {
    const key = createPrivateKey({ key: content, ...(passphrase !== undefined && { passphrase }) });
    if (key.asymmetricKeyType === 'rsa') return key.export({ type: 'pkcs1', format: 'pem' }).toString();
    if (key.asymmetricKeyType === 'ec') return key.export({ type: 'sec1', format: 'pem' }).toString();
  } catch {
    // Encrypted and no passphrase yet, or the wrong one: the caller says so.
  }
  return undefined;
}

function looksEncrypted(content: Buffer): boolean {
  const text = content.toString('latin1');
  return /ENCRYPTED/.test(text) || /BEGIN OPENSSH PRIVATE KEY/.test(text);
}

async function refuseOpenToOthers(file: string): Promise<void> {
  const { mode, uid } = await stat(file);
  if (uid === process.getuid?.() && (mode & 0o077) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    throw new Error(`others can read it (mode ${octal}): chmod 600 it`);
  }
}

function samePublicKey(a: ParsedKey, b: ParsedKey): boolean {
  return a.getPublicSSH().equals(b.getPublicSSH());
}
