import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeLease, LONGEST_TERM, parseLease } from '../../../src/repository/lease/record.js';

const holder = {
  machine: 'm',
  boot: '',
  pid: 1,
  started: '',
  holder: 'a'.repeat(32),
  purpose: 'backup',
  since: new Date('2026-11-24T10:11:12.345Z'),
  termSeconds: 180,
};

describe('a lease record', () => {
  it('is read as it was written, and passes over what a later version adds', () => {
    const content = encodeLease('held', holder);
    expect(parseLease(content)).toMatchObject({ ...holder, state: 'held' });
    const more = Buffer.from(JSON.stringify({ ...JSON.parse(content.toString()), later: true }));
    expect(parseLease(more)).toMatchObject(holder);
  });

  it('holds nothing that a terminal would obey', () => {
    const record = parseLease(encodeLease('held', { ...holder, machine: 'm\u001b[2J', purpose: 'p\n\r' }));
    expect(`${record?.machine}${record?.purpose}`).not.toMatch(/\p{Cc}/u);
  });

  it.each([
    { termSeconds: LONGEST_TERM / 1000 + 1 },
    { termSeconds: -1 },
    { pid: 0 },
    { holder: 'x' },
    { format: 2 },
    { since: 'yesterday' },
    { purpose: 'x'.repeat(101) },
  ])('is not believed when it says %j', (change) => {
    const text = encodeLease('held', holder).toString();
    expect(parseLease(Buffer.from(JSON.stringify({ ...JSON.parse(text), ...change })))).toBeUndefined();
  });

  it('never makes the reader fail, whatever stands there', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (content) => {
          expect(() => parseLease(Buffer.from(content))).not.toThrow();
        },
      ),
    );
    expect(parseLease(Buffer.alloc(17 * 1024, ' '))).toBeUndefined();
  });
});
