import { appendFileSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/**
 * What a whole run of the tests has printed, sent and stored in the clear is written down in a folder, and so are the
 * secrets of its hosts: `scan.ts` searches the one for the other at the end. Without such a folder nothing is written.
 */
export const FOLDER = 'COOLIFY_STATE_TEST_OUTPUTS';

export function recordOutput(what: string, text: string): void {
  append('outputs', `${what}.txt`, `${text}\n`);
}

export function recordSecrets(secrets: readonly { readonly name: string; readonly value: string }[]): void {
  append('secrets', 'secrets.jsonl', secrets.map((secret) => `${JSON.stringify(secret)}\n`).join(''));
}

/** Sidecars, evidence, metrics, reports, manifests: everything in a test's folder that is meant to be shown or stored as it is. */
export function recordFiles(folder: string): void {
  if (process.env[FOLDER] === undefined) return;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !SHOWN.test(entry.name) || /^inventory/.test(relative(folder, path))) continue;
    if (statSync(path).size < LARGEST) recordOutput('files', readFileSync(path, 'latin1'));
  }
}

const SHOWN = /\.(?:json|prom|md|html|txt|log|sig)$/;
const LARGEST = 4 * 1024 * 1024;

/** Test files work side by side: each process has files of its own. */
function append(kind: string, name: string, text: string): void {
  const folder = process.env[FOLDER];
  if (folder !== undefined)
    appendFileSync(join(folder, kind, `${process.pid}-${name}`), text, { mode: 0o600 });
}
