import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { messageOf, StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';

/**
 * The certificates in a PEM file. Text between them is passed over, as OpenSSL does.
 * @throws StateError `repository.settings` (usage) when it cannot be read, holds none, or one that is broken
 */
export async function certificatesOf(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw bad(path, printable(messageOf(error)), error);
  }
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw bad(path, 'it holds no certificate in PEM form');
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch (error) {
      throw bad(path, `certificate ${index + 1} in it is broken`, error);
    }
  }
  return `${blocks.join('\n')}\n`;
}

function bad(path: string, why: string, cause?: unknown): StateError {
  return new StateError({
    kind: 'usage',
    code: 'repository.settings',
    what: `The certificates in ${printable(path)} cannot be used`,
    why,
    next: 'Correct coolify_s3_ca_file',
    cause,
  });
}
