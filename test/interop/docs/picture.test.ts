import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const PROJECT = resolve(import.meta.dirname, '../../..');
const LIMIT_BYTES = 24 * 1024;

function pictureOf(capture: string): string {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(PROJECT, 'release/run-picture.mjs'), '100'],
    { input: capture, encoding: 'utf8' },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

const styleOf = (picture: string): string | undefined => /<style>[\s\S]*<\/style>/.exec(picture)?.[0];

describe('the picture of a run', () => {
  it('has the text of a capture in its colors', () => {
    const picture = pictureOf('\u001b[1mweb1\u001b[0m  1 < 2\n  \u001b[32m✔\u001b[39m lock & go\n\n');
    expect(picture).toContain('<tspan class="strong">web1</tspan>  1 &lt; 2</text>');
    expect(picture).toContain('  <tspan class="green">✔</tspan> lock &amp; go</text>');
    expect(picture).not.toContain('\u001b');
  });

  it('in the README is one of a real run, small, for light and dark, and names nothing of the machine it was made on', () => {
    const picture = readFileSync(join(PROJECT, 'docs/run.svg'), 'utf8');
    expect(styleOf(picture)).toBe(styleOf(pictureOf('')));
    expect(picture).toContain('prefers-color-scheme: dark');
    expect(Buffer.byteLength(picture)).toBeLessThan(LIMIT_BYTES);
    const words = picture.replace(/<style>[\s\S]*<\/style>/, '').replace(/<[^>]*>/g, '');
    expect(words).toContain('$ coolify-state backup');
    expect(words).toMatch(/proven {2}app-key/);
    expect(words).toMatch(/failed=0/);
    expect(words).not.toMatch(/\/(?:tmp|root|home|work)\//);
    expect(readFileSync(join(PROJECT, 'README.md'), 'utf8')).toContain('(docs/run.svg)');
  });
});
