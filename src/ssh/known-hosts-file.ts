import { createHmac, randomBytes } from 'node:crypto';
import { appendFile, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, messageOf, StateError } from '../core/errors.js';
import { makeFolders } from '../core/folders.js';
import { printable } from '../core/terminal-text.js';
import { type HostKey, hostKeyOf, knownHostsName } from './host-key.js';
import { type KnownHost, namesMatch, parseKnownHosts, splitLine } from './known-hosts.js';

/**
 * The entries of several files, in their order. A missing file has none.
 * @throws StateError `ssh.known-hosts-unreadable`
 */
export async function readKnownHosts(files: readonly string[]): Promise<KnownHost[]> {
  const texts = await Promise.all(files.map(async (file) => parseKnownHosts(await textOf(file), file)));
  return texts.flat();
}

/** The line that makes a key known: `name type base64`. */
export function knownHostsLine(name: string, key: HostKey): string {
  return `${name} ${key.type} ${key.blob.toString('base64')}`;
}

/**
 * Adds a key at the end of the file, which is created with 0600 (its folder with 0700) when missing.
 * @throws StateError `ssh.known-hosts-unwritable`
 */
export async function appendHostKey(file: string, name: string, key: HostKey): Promise<void> {
  try {
    await makeFolders(dirname(file), 0o700);
    const text = await textOf(file);
    const separator = text === '' || text.endsWith('\n') ? '' : '\n';
    await appendFile(file, `${separator}${knownHostsLine(name, key)}\n`, { mode: 0o600 });
  } catch (error) {
    throw unwritable(file, error);
  }
}

/**
 * Makes `keys` (lines of public key files: type, base64, comment) the only ones known for a host, after a restore gave it other ones. Only its own plain entries go:
 * markers, wildcards, other hosts and comments stay byte for byte; a line that names several hosts loses this one.
 * The file is replaced in one step and keeps its mode. Nothing is written when it says so already,
 * nor into a device.
 * @returns whether the file changed
 * @throws StateError `ssh.known-hosts-unwritable`; `ssh.host-key-invalid` for a line that is no public key
 */
export async function replaceHostKeys(
  file: string,
  host: string,
  port: number,
  keys: readonly string[],
): Promise<boolean> {
  if (await isDevice(file)) return false;
  const name = knownHostsName(host, port);
  const before = await textOf(file);
  const after = withHostKeys(before, name, keys.map(publicKeyOf));
  if (after === before) return false;
  try {
    await replaceFile(file, Buffer.from(after, 'latin1'));
  } catch (error) {
    throw unwritable(file, error);
  }
  return true;
}

/** `UserKnownHostsFile /dev/null` means that nothing is written down; a file must not take the place of the device. */
async function isDevice(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && !found.isFile() && !found.isDirectory();
}

/** The text of a known_hosts file with a host's keys replaced; see `replaceHostKeys`. */
export function withHostKeys(text: string, name: string, keys: readonly HostKey[]): string {
  const lines = text.split(/(?<=\n)/);
  const own = lines.filter((line) => isOwn(line, name));
  const present = own.map((line) => splitLine(line)?.blob);
  const wanted = keys.map((key) => key.blob.toString('base64'));
  if (own.length === keys.length && wanted.every((blob) => present.includes(blob))) return text;

  const hashed = own.some((line) => line.startsWith('|'));
  const added = keys.map((key) => `${knownHostsLine(hashed ? hashedName(name) : name, key)}\n`);
  const kept: string[] = [];
  for (const line of lines) {
    if (!isOwn(line, name)) {
      kept.push(line);
      continue;
    }
    kept.push(...added.splice(0), withoutName(line, name));
  }
  const start = kept.join('');
  if (added.length === 0) return start;
  return `${start}${start === '' || start.endsWith('\n') ? '' : '\n'}${added.join('')}`;
}

function publicKeyOf(line: string): HostKey {
  const [type = '', base64 = ''] = line.trim().split(/\s+/);
  const key = hostKeyOf(Buffer.from(base64, 'base64'));
  if (key?.type === type) return key;
  throw new StateError({
    kind: 'failed',
    code: 'ssh.host-key-invalid',
    what: 'A host key cannot be written to known_hosts',
    why: `"${printable(line.slice(0, 60))}" is not a public key`,
    next: 'look at that file; its host keys are written anew by sshd with "ssh-keygen -A" when they are removed',
  });
}

/** A plain entry that names the host itself, not by a wildcard. */
function isOwn(line: string, name: string): boolean {
  const fields = splitLine(line);
  if (fields === undefined || fields.marker !== undefined) return false;
  if (fields.names.startsWith('|')) return namesMatch(fields.names, name);
  return fields.names.split(',').some((part) => part.toLowerCase() === name);
}

function withoutName(line: string, name: string): string {
  const names = splitLine(line)?.names ?? '';
  const others = names.split(',').filter((part) => part.toLowerCase() !== name);
  const positive = others.filter((part) => !part.startsWith('!'));
  return names.startsWith('|') || positive.length === 0 ? '' : line.replace(names, () => others.join(','));
}

function hashedName(name: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

/** Bytes as latin1, so that what is not ours survives a rewrite whatever it is. */
async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'latin1');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return '';
    throw new StateError({
      kind: 'usage',
      code: 'ssh.known-hosts-unreadable',
      what: `The file of known host keys ${file} cannot be read`,
      why: messageOf(error),
      next: 'check its permissions, or name another file with coolify_known_hosts_file',
      cause: error,
    });
  }
}

async function replaceFile(file: string, content: Buffer): Promise<void> {
  await makeFolders(dirname(file), 0o700);
  const target = await realpath(file).catch(() => file);
  const mode = await stat(target).then(
    (found) => found.mode & 0o777,
    () => 0o600,
  );
  const temporary = `${target}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.chmod(mode);
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
}

function unwritable(file: string, error: unknown): StateError {
  if (error instanceof StateError) return error;
  return new StateError({
    kind: 'failed',
    code: 'ssh.known-hosts-unwritable',
    what: `The file of known host keys ${file} cannot be written`,
    why: messageOf(error),
    next: 'check the permissions of its folder, or name another file with coolify_known_hosts_file',
    cause: error,
  });
}
