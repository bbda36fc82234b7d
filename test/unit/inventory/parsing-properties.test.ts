import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePythonLiteral } from '../../../src/inventory/python-literal.js';
import { literalOf } from '../../../src/inventory/python-text.js';
import { shellWords } from '../../../src/inventory/shell-words.js';
import { Float, type Value } from '../../../src/inventory/value.js';

describe('Python literals', () => {
  const leaf = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.bigInt({ min: 2n ** 60n, max: 2n ** 90n }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => new Float(value)),
    fc.string({ unit: 'binary' }).filter((text) => !/\p{Surrogate}/u.test(text)),
  );
  const { value } = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 4 }).map((pairs): Value => new Map(pairs)),
    ),
  }));

  test('what is printed is read back the same', () => {
    fc.assert(
      fc.property(value, (original) => {
        expect(parsePythonLiteral(literalOf(original))?.value).toEqual(original);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('words of a line', () => {
  test('any words come back when each is quoted', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (words) => {
        const line = words.map((word) => `'${word.replaceAll("'", `'"'"'`)}'`).join(' ');
        expect(shellWords(line)).toEqual(words);
      }),
    );
  });
});
