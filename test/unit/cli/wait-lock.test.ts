import { describe, expect, it } from 'vitest';
import { WAIT_LOCK } from '../../../src/cli/wait-lock.js';

const { coerce } = WAIT_LOCK['wait-lock'];

describe('--wait-lock', () => {
  it.each([
    ['90s', 90_000],
    ['10min', 600_000],
    ['1h30min', 5_400_000],
    ['24h', 86_400_000],
  ])('takes %s', (text, milliseconds) => {
    expect(coerce(text)).toBe(milliseconds);
  });

  it.each(['', '0s', '10', '-1min', '1.5h', '25h', '10 min', '10m', '2d', 'forever'])(
    'refuses "%s"',
    (text) => {
      expect(() => coerce(text)).toThrow(expect.objectContaining({ kind: 'usage', code: 'cli.usage' }));
    },
  );
});
