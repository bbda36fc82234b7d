import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateHybridIdentity, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decryptionStream, encryptionStream } from '../../../src/archive/age-stream.js';
import { identitiesFromFile } from '../../../src/archive/identities.js';
import { recipientsFrom } from '../../../src/archive/recipient-sources.js';
import { codeOf, run } from './streams.js';

let folder: string;
const at = (name: string): string => join(folder, name);
const texts: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recipient-sources-'));
  const secrets = [
    await generateX25519Identity(),
    await generateX25519Identity(),
    await generateHybridIdentity(),
  ];
  for (const [index, secret] of secrets.entries()) {
    await writeFile(at(`secret${index}`), `${secret}\n`);
    texts.push(await identityToRecipient(secret));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('recipients from several places', () => {
  it('can each open what is encrypted for all, a post-quantum key among them', async () => {
    await writeFile(at('team.keys'), `# the team\n${texts[0]}\n`);
    const named = await recipientsFrom({
      files: [at('team.keys')],
      keys: [`${texts[1]}\n${texts[2]}`, texts[0] ?? ''],
      keysName: 'coolify_backup_recipients',
    });
    expect(named).toHaveLength(3);
    const sealed = await run(await encryptionStream(named.map(({ recipient }) => recipient)), [
      Buffer.from('hello'),
    ]);
    for (const index of [0, 1, 2]) {
      const identities = await identitiesFromFile(at(`secret${index}`));
      expect(identities[0]?.fingerprint).toBe(named[index]?.fingerprint);
      expect((await run(decryptionStream(identities), [sealed.output])).output.toString()).toBe('hello');
    }
  });

  it('are refused as a whole when one of them is bad, by the place of it', async () => {
    const sources = { files: [], keysName: 'coolify_backup_recipients' };
    const bad = recipientsFrom({ ...sources, keys: [texts[0] ?? '', 'ssh-dss AAAA'] });
    await expect(bad).rejects.toMatchObject({
      what: expect.stringContaining('coolify_backup_recipients[1]:1'),
    });
    expect(await codeOf(recipientsFrom({ ...sources, keys: [], files: [at('nowhere')] }))).toBe(
      'key-file.missing',
    );
  });
});
