import { describe, expect, it } from 'vitest';
import { quoteIdentifier, quoteLiteral } from '../../../src/postgres/identifiers.js';

describe('a name in SQL', () => {
  it.each([
    ['users', '"users"'],
    ['Mixed "case"', '"Mixed ""case"""'],
    ['back\\slash', '"back\\slash"'],
  ])('%j is written %s', (name, sql) => {
    expect(quoteIdentifier(name)).toBe(sql);
  });

  it('cannot be empty or hold a NUL', () => {
    expect(() => quoteIdentifier('')).toThrow(expect.objectContaining({ code: 'sql.empty-identifier' }));
    expect(() => quoteIdentifier('a\0b')).toThrow(expect.objectContaining({ code: 'sql.nul' }));
  });
});

describe('a text in SQL', () => {
  it.each([
    ['', "''"],
    ["it's", "'it''s'"],
    ['a\\', " E'a\\\\'"],
    ["\\'; DROP TABLE users; --", " E'\\\\''; DROP TABLE users; --'"],
  ])('%j is written %s', (text, sql) => {
    expect(quoteLiteral(text)).toBe(sql);
  });

  it('cannot hold a NUL', () => {
    expect(() => quoteLiteral('\0')).toThrow(expect.objectContaining({ code: 'sql.nul' }));
  });
});
