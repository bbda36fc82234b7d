import { describe, expect, it } from 'vitest';
import { sha256 } from '../../unit/archive/streams.js';
import { allVectors, ONE_BYTE_LIMIT, openPayload } from '../../unit/archive/vectors.js';

/** The unit tests read these files in larger pieces: sixteen million writes to a stream take minutes. */
const large = allVectors().filter(({ file }) => file.length > ONE_BYTE_LIMIT);

describe('the large CCTV vectors of age', () => {
  it('are three', () => {
    expect(large.map(({ expected }) => expected)).toEqual(['success', 'success', 'success']);
  });

  for (const vector of large) {
    it(`${vector.name}: opens byte by byte`, () => {
      const { released, code } = openPayload(vector, 1);
      expect(code).toBe('no error');
      expect(sha256(released)).toBe(vector.payloadHash);
    });
  }
});
