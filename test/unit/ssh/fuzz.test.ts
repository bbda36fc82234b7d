import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../../src/core/secret.js';
import { verifySignature } from '../../../src/core/ssh-signature.js';
import { string } from '../../../src/core/ssh-wire.js';
import { becomeFailure } from '../../../src/ssh/become.js';
import { certificateProblem, readHostCertificate } from '../../../src/ssh/host-certificate.js';
import { hostKeyOf } from '../../../src/ssh/host-key.js';
import { findIdentities } from '../../../src/ssh/identities.js';
import { checkHostKey, entriesFor, parseKnownHosts } from '../../../src/ssh/known-hosts.js';
import { withHostKeys } from '../../../src/ssh/known-hosts-file.js';
import { openSshPublicBlob } from '../../../src/ssh/openssh-key.js';
import { PlainExchange } from '../../../src/ssh/plain-exchange.js';
import { StartMarker } from '../../../src/ssh/start-marker.js';
import { damaged, FUZZ_TIMEOUT, fuzz } from '../fuzz.js';

/** What hosts, agents and files say is never trusted to make sense: nothing here may throw. */
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const { public: PUBLIC, private: PRIVATE } = ssh2.utils.generateKeyPairSync('ed25519');
const KEY_LINE = PUBLIC.split(' ').slice(0, 2).join(' ');
const OTHER = Buffer.from(ssh2.utils.generateKeyPairSync('ed25519').public.split(' ')[1] ?? '', 'base64');
const KEY = hostKeyOf(Buffer.from(KEY_LINE.split(' ')[1] ?? '', 'base64'));

/** A valid text with a few characters replaced, removed or put in. */
function bent(text: string): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.nat(text.length),
    drop: fc.nat(3),
    put: fc.oneof(
      fc.string({ maxLength: 3 }),
      fc.constantFrom('\n', ' ', '|', ',', '!', '@revoked ', '*', '\r'),
    ),
  });
  return fc
    .array(change, { maxLength: 6 })
    .map((changes) =>
      changes.reduce(
        (current, { at, drop, put }) => current.slice(0, at) + put + current.slice(at + drop),
        text,
      ),
    );
}

describe('known_hosts', () => {
  const valid = `# mine\na.example,10.0.0.1 ${KEY_LINE} jo\n|1|c2FsdA==|aGFzaA== ${KEY_LINE}\n@cert-authority *.example ${KEY_LINE}\n@revoked * ${KEY_LINE}\n[b.example]:2222,!c.example ${KEY_LINE}\r\n`;

  test('that is bent gives fewer entries or other verdicts, and no error', {
    timeout: FUZZ_TIMEOUT,
  }, async () => {
    await fuzz(
      fc.property(bent(valid), fc.constantFrom('a.example', 'b.example', '::1'), (text, address) => {
        const entries = parseKnownHosts(text, 'known_hosts');
        expect(entries.length).toBeLessThanOrEqual(text.split('\n').length);
        for (const port of [22, 2222]) {
          entriesFor(entries, { address, port });
          if (KEY) checkHostKey(entries, { address, port }, KEY);
        }
      }),
    );
  });

  test('that is bent keeps every line that is not the host’s when keys are replaced', {
    timeout: FUZZ_TIMEOUT,
  }, async () => {
    await fuzz(
      fc.property(bent(valid), (text) => {
        const kept = withHostKeys(text, 'not-in.it', KEY ? [KEY] : []);
        expect(kept.startsWith(text)).toBe(true);
      }),
    );
  });
});

describe('a known_hosts file as bytes', () => {
  const good = Buffer.from(
    `# mine\na.example,10.0.0.1 ${KEY_LINE}\n|1|c2FsdA==|aGFzaA== ${KEY_LINE}\n[b.example]:2222 ${KEY_LINE}\n`,
  );

  test('that came to harm never makes another key the known one', { timeout: FUZZ_TIMEOUT }, async () => {
    await fuzz(
      fc.property(damaged(good), fc.constantFrom('latin1', 'utf8'), (bytesOfFile, encoding) => {
        const entries = parseKnownHosts(bytesOfFile.toString(encoding), 'known_hosts');
        const stranger = hostKeyOf(OTHER);
        if (stranger === undefined) throw new Error('the other key is none');
        for (const address of ['a.example', '10.0.0.1', 'b.example']) {
          const { verdict } = checkHostKey(entries, { address, port: 22 }, stranger);
          expect(verdict).not.toBe('match');
        }
      }),
    );
  });
});

describe('keys', () => {
  test('in wire form are keys or undefined', { timeout: FUZZ_TIMEOUT }, async () => {
    const withType = fc
      .tuple(fc.string({ maxLength: 70 }), bytes)
      .map(([type, rest]) => Buffer.concat([string(type), rest]));
    await fuzz(
      fc.property(fc.oneof(bytes, withType), (blob) => {
        const key = hostKeyOf(blob);
        expect(key === undefined || /^[\x21-\x7e]{1,64}$/.test(key.type)).toBe(true);
        openSshPublicBlob(blob);
      }),
    );
  });

  test('in bent OpenSSH files give their public half or nothing', { timeout: FUZZ_TIMEOUT }, async () => {
    await fuzz(
      fc.property(bent(PRIVATE), (text) => {
        const line = openSshPublicBlob(Buffer.from(text));
        expect(line === undefined || typeof line === 'string').toBe(true);
      }),
    );
  });

  describe('in files', () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'bent-keys-'));
    });
    afterAll(() => rm(folder, { recursive: true }));

    test('that are bent are skipped with a sentence, or offered', { timeout: FUZZ_TIMEOUT }, async () => {
      const file = join(folder, 'key');
      const signal = new AbortController().signal;
      const passphrase = async (): Promise<Secret> => new Secret('guess');
      await fuzz(
        fc.asyncProperty(fc.oneof(bent(PRIVATE), bent(PUBLIC), fc.string()), async (text) => {
          await writeFile(file, text, { mode: 0o600 });
          const { identities, skipped } = await findIdentities({ identityFiles: [file], passphrase }, signal);
          expect(identities.length + skipped.length).toBe(1);
        }),
      );
    });
  });
});

describe('certificates', () => {
  test('that are none are undefined', { timeout: FUZZ_TIMEOUT }, async () => {
    const typed = bytes.map((rest) => Buffer.concat([string('ssh-ed25519-cert-v01@openssh.com'), rest]));
    await fuzz(
      fc.property(fc.oneof(bytes, typed), (blob) => {
        const certificate = readHostCertificate(blob);
        if (certificate) certificateProblem(certificate, 'a', 0);
      }),
    );
  });

  test('signed by nonsense are wrong', { timeout: FUZZ_TIMEOUT }, async () => {
    const algorithm = fc.constantFrom('ssh-ed25519', 'rsa-sha2-256', 'ecdsa-sha2-nistp256', 'ssh-rsa', '');
    await fuzz(
      fc.property(algorithm, bytes, bytes, algorithm, (name, value, rest, keyType) => {
        const signature = Buffer.concat([string(name), string(value)]);
        const key = Buffer.concat([string(keyType), string(rest), string(rest), string(rest)]);
        expect(verifySignature(key, value, signature)).toBe(false);
      }),
    );
  });
});

describe('the beginning of a conversation', () => {
  test('in any pieces ends without an error', { timeout: FUZZ_TIMEOUT }, async () => {
    const packetLike = bytes.map((rest) =>
      Buffer.concat([Buffer.from([0, 0, 0, rest.length + 2, 0, 20]), rest]),
    );
    await fuzz(
      fc.property(fc.boolean(), fc.array(fc.oneof(bytes, packetLike), { maxLength: 5 }), (greets, pieces) => {
        const exchange = new PlainExchange(['ssh-ed25519-cert-v01@openssh.com']);
        if (greets) exchange.hear(Buffer.from('SSH-2.0-x\r\n'));
        expect(exchange.greeted).toBe(greets);
        for (const piece of pieces) if (exchange.hear(piece) === 'nothing') break;
      }),
    );
  });

  test('without an end to its greeting is given up', () => {
    const exchange = new PlainExchange([]);
    expect(exchange.hear(Buffer.alloc(100_000, 'x'))).toBe('nothing');
  });
});

describe('what comes before a command', () => {
  test('is cut off at the marker, wherever the pieces break', { timeout: FUZZ_TIMEOUT }, async () => {
    const marker = '@coolify-state:0123@';
    await fuzz(
      fc.property(bytes, bytes, fc.array(fc.nat(400), { maxLength: 6 }), (before, after, cuts) => {
        fc.pre(!before.includes(marker));
        const all = Buffer.concat([before, Buffer.from(marker), after]);
        const at = [0, ...cuts.map((cut) => cut % all.length).sort((a, b) => a - b), all.length];
        const start = new StartMarker(marker);
        const own = at.slice(1).map((end, index) => start.push(all.subarray(at[index], end)));
        expect(start.seen).toBe(true);
        expect(Buffer.concat(own)).toEqual(after);
        expect(start.preamble).toBe(before.toString('utf8'));
      }),
    );
  });

  test('becomes a refusal of ours, whatever sudo said', { timeout: FUZZ_TIMEOUT }, async () => {
    await fuzz(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(3), (stderr, prompts) => {
        const facts = { host: 'h', loginUser: 'jo', command: 'id', code: 1, become: { user: 'root' } };
        expect(becomeFailure({ ...facts, stderr, prompts })).toMatchObject({
          kind: 'failed',
          host: 'h',
          code: expect.stringMatching(/^ssh\.become-/),
        });
      }),
    );
  });
});
