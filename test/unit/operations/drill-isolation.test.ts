import { describe, expect, it } from 'vitest';
import { judgeIsolation, readFindings } from '../../../src/operations/drill/isolation.js';

const FACTS = { heard: 0, addresses: 2, names: ['example.com'] };
const GOOD = [
  'names\tthe host\tlocalhost',
  'able\tthe host\tsshd at 127.0.0.1',
  'able\ta container on bridge\tsshd at 172.18.0.1',
  'end',
  '',
].join('\n');

/** Names of the proofs that do not hold. */
function failed(text: string, facts: Partial<typeof FACTS> = {}): string[] {
  return judgeIsolation(readFindings(text), { ...FACTS, ...facts })
    .filter(({ ok }) => !ok)
    .map(({ name }) => name);
}

describe('what the probes of a throwaway host found', () => {
  it('proves that nothing gets out when everything was tried and nothing came about', () => {
    expect(failed(GOOD)).toEqual([]);
  });

  it.each([
    ['a route out', `route\tthe host\teth0\n${GOOD}`, ['no-route']],
    ['a connection from the host', `reached\tthe host\t192.0.2.1\n${GOOD}`, ['no-connection']],
    ['a connection from a container', `reached\ta container on bridge\tvm\n${GOOD}`, ['no-connection']],
    ['an answer for a name', `resolved\ta container on bridge\texample.com\n${GOOD}`, ['no-names']],
  ])('is refused for %s', (_what, text, names) => expect(failed(text)).toEqual(names));

  it('is refused when the listener heard something that nobody tells of', () => {
    expect(failed(GOOD, { heard: 1 })).toEqual(['no-connection']);
  });

  it('proves nothing where an attempt that has to succeed fails', () => {
    expect(failed(GOOD.replace('able\ta container', 'unable\ta container'))).toEqual(['no-connection']);
  });

  it('proves nothing about containers when none was tried', () => {
    expect(failed(GOOD.replace(/able\ta container.*\n/, ''))).toEqual(['no-connection']);
  });

  it('proves nothing when the probes broke off, or were never there', () => {
    expect(failed(GOOD.replace('end\n', ''))).toEqual(['no-route', 'no-connection', 'no-names']);
    expect(failed('')).toEqual(['no-route', 'no-connection', 'no-names']);
  });

  it('says from where what was reached, and lets nobody write to the terminal', () => {
    const [, connection] = judgeIsolation(readFindings(`reached\tthe \u001b[31mhost\t192.0.2.1\n${GOOD}`), {
      ...FACTS,
      heard: 1,
    });
    expect(connection?.detail).toContain('192.0.2.1 from the');
    expect(connection?.detail).not.toContain('\u001b');
  });
});
