import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { artifactReference } from '../../../src/coolify/artifacts.js';
import { KEPT_BY_TARGET } from '../../../src/coolify/env-merge.js';
import { settingsReference } from '../../../src/coolify/settings/reference.js';
import { keywordReference } from '../../../src/ssh/config/reference.js';

const PROJECT = resolve(import.meta.dirname, '../../..');

/** `UPDATE_DOCS=1 npx vitest run test/unit/house` writes what is generated. */
const UPDATE = process.env['UPDATE_DOCS'] !== undefined;

/** A text between two marks of a page. */
function section(page: string, name: string, wanted: string): { found: string; wanted: string } {
  const path = resolve(PROJECT, page);
  const text = readFileSync(path, 'utf8');
  const [start, end] = [`<!-- ${name} -->\n`, `\n<!-- /${name} -->`];
  const [before, rest = ''] = text.split(start);
  const [found = '', after] = rest.includes(end) ? rest.split(end) : ['', rest.replace(end.trimStart(), '')];
  if (UPDATE) writeFileSync(path, `${before}${start}${wanted}${end}${after}`);
  return { found: UPDATE ? wanted : found, wanted };
}

describe('the documentation', () => {
  it('lists every setting', () => {
    const path = resolve(PROJECT, 'docs/settings.md');
    if (UPDATE) writeFileSync(path, settingsReference());
    expect(readFileSync(path, 'utf8')).toBe(settingsReference());
  });

  it('lists every artifact', () => {
    const { found, wanted } = section('docs/restore.md', 'artifacts', artifactReference());
    expect(found).toBe(wanted);
  });

  it('tells what becomes of every keyword of ssh_config', () => {
    const { found, wanted } = section('docs/connection.md', 'ssh-keywords', keywordReference());
    expect(found).toBe(wanted);
  });

  it('tells what a merge of .env keeps', () => {
    const { found, wanted } = section(
      'docs/restore.md',
      'kept',
      KEPT_BY_TARGET.map((key) => `\`${key}\``).join(', '),
    );
    expect(found).toBe(wanted);
  });
});
