import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EnvFile } from '../../../src/coolify/env-file.js';
import { mergeEnv } from '../../../src/coolify/env-merge.js';

const SAMPLE = [
  '# Coolify',
  '',
  'APP_NAME="My Coolify"',
  'APP_KEY=base64:AA/+==',
  "X='q'",
  'APP_NAME=second',
  'EMPTY=',
  '',
].join('\n');

describe('EnvFile', () => {
  it('splits at the first "=" and takes quotes off', () => {
    const env = EnvFile.parse(SAMPLE);
    expect(['APP_NAME', 'APP_KEY', 'X', 'EMPTY', 'MISSING'].map((key) => env.get(key))).toEqual([
      'My Coolify',
      'base64:AA/+==',
      'q',
      '',
      undefined,
    ]);
    expect(env.keys()).toEqual(['APP_NAME', 'APP_KEY', 'X', 'EMPTY']);
  });

  it('keeps every byte of what is not changed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(EnvFile.parse(text).toString()).toBe(text);
      }),
    );
    expect(EnvFile.parse(SAMPLE).withLine('X', 'X=1').toString()).toBe(SAMPLE.replace("X='q'", 'X=1'));
  });

  it('drops later duplicates of a replaced key and adds new ones before the last line break', () => {
    expect(EnvFile.parse(SAMPLE).withLine('APP_NAME', 'APP_NAME=new').toString()).not.toContain('second');
    expect(EnvFile.parse('A=1\n').withLine('B', 'B=2').toString()).toBe('A=1\nB=2\n');
    expect(EnvFile.parse('A=1').withLine('B', 'B=2').toString()).toBe('A=1\nB=2');
  });

  it('tells differences by key, never by value', () => {
    const differences = EnvFile.parse('A=1\nB=2').differences(EnvFile.parse('B=3\nC=4'));
    expect(differences).toEqual([
      { key: 'A', change: 'removed' },
      { key: 'B', change: 'changed' },
      { key: 'C', change: 'added' },
    ]);
  });
});

describe('mergeEnv', () => {
  it("takes the snapshot's values except those that belong to the target's volumes", () => {
    const snapshot = EnvFile.parse(
      'APP_KEY=old\nDB_PASSWORD=snap\nREDIS_PASSWORD=snap\nPUSHER_APP_ID="p q"\nONLY_THERE=1\n',
    );
    const present = EnvFile.parse(
      '# kept\nAPP_KEY=new\nDB_PASSWORD=here\nREDIS_PASSWORD=here\nONLY_HERE=1\n',
    );
    const merged = mergeEnv(snapshot, present);
    expect(merged.toString()).toBe(
      '# kept\nAPP_KEY=old\nDB_PASSWORD=here\nREDIS_PASSWORD=here\nONLY_HERE=1\nPUSHER_APP_ID="p q"\nONLY_THERE=1\n',
    );
    expect(mergeEnv(snapshot, merged).toString()).toBe(merged.toString());
  });
});
