import { describe, expect, it } from 'vitest';
import { parseRedisAddress, showRedis } from '../../../src/fleet/redis/address.js';

const read = (text: string): string => showRedis(parseRedisAddress(text));

describe('the address of a Redis', () => {
  it.each([
    ['redis://cache', 'redis://cache:6379/0'],
    ['redis://cache:7000/3', 'redis://cache:7000/3'],
    ['rediss://fleet@cache', 'rediss://cache:6379/0'],
    ['redis://[::1]:7000', 'redis://::1:7000/0'],
    ['redis+sentinel://a,b:5000/main', 'redis+sentinel://a:26379,b:5000/main/0'],
    ['rediss+sentinel://u:p@a/main/2', 'rediss+sentinel://a:26379/main/2'],
    ['redis+cluster://a:1,b:2', 'redis+cluster://a:1,b:2/0'],
  ])('%s is %s', (text, shown) => {
    expect(read(text)).toBe(shown);
  });

  it('has a login whose characters are percent-encoded', () => {
    const { username, password } = parseRedisAddress('redis://fl%40eet:a%2Fb%3Ac%40d@cache');
    expect([username, password?.reveal()]).toEqual(['fl@eet', 'a/b:c@d']);
    expect(parseRedisAddress('redis://:p@cache').username).toBeUndefined();
  });

  it.each([
    'cache:6379',
    'http://cache',
    'redis://',
    'redis://a,b',
    'redis://a/x',
    'redis://a/1/2',
    'redis://a:99999',
    'redis://a:0',
    'redis+sentinel://a',
    'redis+cluster://a/1',
    'redis://%zz@a',
  ])('is none: %s', (text) => {
    expect(() => parseRedisAddress(text)).toThrow('The address of Redis cannot be read');
  });

  it('is not repeated in the error, as it may hold a password', () => {
    let message = '';
    try {
      parseRedisAddress('redis://user:hunter2@a/b/c/d');
    } catch (error) {
      message = JSON.stringify(error);
    }
    expect(message).toContain('fleet.redis-address');
    expect(message).not.toContain('hunter2');
  });
});
