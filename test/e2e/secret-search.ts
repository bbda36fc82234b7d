import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LAB, onHost } from './lab.js';

/** A secret by the name it is reported under. */
export interface KnownSecret {
  readonly name: string;
  readonly value: string;
}

/**
 * Every secret that a run on a lab host comes across: of `.env`, the API token, the lines of private keys that hold
 * what is private, the operator's password, the secret of S3.
 */
export async function secretsOf(host: string): Promise<KnownSecret[]> {
  const env = await onHost(host, 'cat /data/coolify/source/.env');
  const value = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(env)?.[1]?.trim() ?? '';
  const keys = await onHost(
    host,
    'cat /data/coolify/ssh/keys/ssh_key@* /etc/ssh/ssh_host_*_key /root/.ssh/id_*',
  );
  const ownKeys = await Promise.all(['id_ed25519', 'backup_ed25519'].map((name) => inLab(name)));
  const secrets = [
    ...['DB_PASSWORD', 'REDIS_PASSWORD', 'PUSHER_APP_SECRET', 'ROOT_USER_PASSWORD'].map((name) => ({
      name,
      value: value(name),
    })),
    {
      name: 'APP_KEY',
      value: value('APP_KEY')
        .replace(/^base64:/, '')
        .replace(/=+$/, ''),
    },
    {
      name: 'APP_PREVIOUS_KEYS',
      value: value('APP_PREVIOUS_KEYS')
        .replace(/^base64:/, '')
        .replace(/=+$/, ''),
    },
    { name: 'the API token', value: (await onHost(host, 'cat /data/coolify/ansible-token')).trim() },
    { name: "the operator's password", value: (await inLab('operator-password')).trim() },
    ...[...keys.matchAll(PEM), ...ownKeys.join('\n').matchAll(PEM)].flatMap(([, body]) =>
      privateLines(body ?? ''),
    ),
  ];
  const s3 = /^HETZNER_S3_SECRET_KEY=(.*)$/m.exec(await inLab('s3.env').catch(() => ''))?.[1];
  if (s3 !== undefined) secrets.push({ name: 'the secret of S3', value: s3 });
  for (const secret of secrets) {
    if (secret.value.length < 12) throw new Error(`${secret.name} is too short to be searched for`);
  }
  return secrets;
}

/** The names of the secrets that stand in a text, each once. */
export function secretsIn(texts: readonly string[], secrets: readonly KnownSecret[]): string[] {
  const all = texts.join('\n');
  return [...new Set(secrets.filter(({ value }) => all.includes(value)).map(({ name }) => name))];
}

const PEM = /-----BEGIN [A-Z ]*PRIVATE KEY-----\n([^-]+)-----END/g;

/** The first half of a private key's text is the format's own and the public key. */
function privateLines(body: string): KnownSecret[] {
  const lines = body.trim().split('\n');
  return lines
    .slice(Math.ceil(lines.length / 2))
    .filter((line) => line.length >= 32)
    .map((value) => ({ name: 'a private key', value }));
}

function inLab(name: string): Promise<string> {
  return readFile(join(LAB, name), 'utf8');
}
