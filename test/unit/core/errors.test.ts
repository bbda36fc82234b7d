import { expect, it } from 'vitest';
import { asStateError } from '../../../src/core/errors.js';

it.each([
  ['ENOSPC', 'make room'],
  ['EROFS', 'mount it for writing'],
  ['EMFILE', '--forks'],
])("what this machine's system refuses (%s) is no bug of ours, and says what to do", (errno, advice) => {
  const refused = Object.assign(new Error(`${errno}: refused, open '/metrics/x.prom'`), { code: errno });
  const error = asStateError(refused, 'The figures could not be written');
  expect(error).toMatchObject({ kind: 'failed', code: 'system.refused', why: refused.message });
  expect(error.next).toContain(advice);
});

it('what nobody foresaw is reported as that', () => {
  const error = asStateError(Object.assign(new Error('ENOENT'), { code: 'ENOENT' }), 'It broke');
  expect(error.code).toBe('unexpected');
});
