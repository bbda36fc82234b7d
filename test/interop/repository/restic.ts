import { execFile } from 'node:child_process';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);

const forgotten = z.array(
  z.object({
    host: z.string(),
    keep: z.array(z.object({ time: z.string() })).nullable(),
    remove: z.array(z.object({ time: z.string() })).nullable(),
    reasons: z
      .array(z.object({ snapshot: z.object({ time: z.string() }), matches: z.array(z.string()) }))
      .nullable(),
  }),
);

/** What `restic forget` would do with the snapshots of one host. Times in milliseconds. */
export interface Forgotten {
  readonly kept: ReadonlyMap<number, readonly string[]>;
  readonly removed: ReadonlySet<number>;
}

const masterKey = z.object({
  mac: z.object({ k: z.base64(), r: z.base64() }),
  encrypt: z.base64(),
});

/**
 * A restic repository with snapshots of any time and host. `restic backup` would take half a second for each; so they are
 * written as restic writes them (format version 1: JSON, AES-256-CTR, Poly1305-AES), and restic reads thousands at once.
 */
export class ResticRepository {
  readonly #folder: string;
  readonly #key: z.infer<typeof masterKey>;

  private constructor(folder: string, key: z.infer<typeof masterKey>) {
    this.#folder = folder;
    this.#key = key;
  }

  static async create(): Promise<ResticRepository> {
    const folder = await mkdtemp(join(tmpdir(), 'coolify-state-restic-'));
    await restic(folder, ['init', '--quiet', '--repository-version', '1']);
    return new ResticRepository(
      folder,
      masterKey.parse(JSON.parse(await restic(folder, ['cat', 'masterkey']))),
    );
  }

  /** Versions after 0.14 keep the oldest of all in addition, as long as a counted rule is not used up. */
  async keepsOldest(): Promise<boolean> {
    const [, major = '', minor = ''] =
      /restic (\d+)\.(\d+)/.exec(await restic(this.#folder, ['version'])) ?? [];
    return Number(major) > 0 || Number(minor) > 14;
  }

  async add(host: string, times: readonly Date[]): Promise<void> {
    await mkdir(join(this.#folder, 'snapshots'), { recursive: true });
    for (const time of times) {
      const snapshot = { time: time.toISOString(), tree: 'a'.repeat(64), paths: ['/data'], hostname: host };
      const content = this.#sealed(Buffer.from(JSON.stringify(snapshot)));
      const name = createHash('sha256').update(content).digest('hex');
      await writeFile(join(this.#folder, 'snapshots', name), content);
    }
  }

  /** What a policy (`['--keep-last', '3']`) would do, by host. Nothing is removed. */
  async forget(policy: readonly string[]): Promise<ReadonlyMap<string, Forgotten>> {
    const args = ['forget', '--dry-run', '--json', '--group-by', 'host', ...policy];
    const groups = forgotten.parse(JSON.parse(await restic(this.#folder, args)));
    return new Map(groups.map((group) => [group.host, forgottenOf(group)]));
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  #sealed(plain: Buffer): Buffer {
    const nonce = randomBytes(16);
    const cipher = createCipheriv('aes-256-ctr', Buffer.from(this.#key.encrypt, 'base64'), nonce);
    const text = Buffer.concat([cipher.update(plain), cipher.final()]);
    const block = createCipheriv('aes-128-ecb', Buffer.from(this.#key.mac.k, 'base64'), null);
    const pad = block.update(nonce);
    return Buffer.concat([nonce, text, poly1305(Buffer.from(this.#key.mac.r, 'base64'), pad, text)]);
  }
}

async function restic(folder: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, RESTIC_PASSWORD: 'of the test', TZ: 'UTC' };
  const options = { env, maxBuffer: 256 * 1024 * 1024 };
  try {
    const { stdout } = await run('restic', ['--repo', folder, '--no-cache', ...args], options);
    return stdout;
  } catch (error) {
    throw new Error('restic could not be run; docker/programs.sh installs it', { cause: error });
  }
}

function forgottenOf({ reasons, remove }: z.infer<typeof forgotten>[number]): Forgotten {
  return {
    kept: new Map((reasons ?? []).map(({ snapshot, matches }) => [Date.parse(snapshot.time), matches])),
    removed: new Set((remove ?? []).map(({ time }) => Date.parse(time))),
  };
}

const PRIME = (1n << 130n) - 5n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;

/** RFC 8439, section 2.5.1. */
function poly1305(key: Buffer, pad: Buffer, text: Buffer): Buffer {
  const r = littleEndian(key) & CLAMP;
  let sum = 0n;
  for (let at = 0; at < text.length; at += 16) {
    const block = text.subarray(at, at + 16);
    sum = ((sum + littleEndian(Buffer.concat([block, Buffer.of(1)]))) * r) % PRIME;
  }
  const tag = (sum + littleEndian(pad)) & ((1n << 128n) - 1n);
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse();
}

function littleEndian(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}
