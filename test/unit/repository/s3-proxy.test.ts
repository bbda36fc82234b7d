import { describe, expect, it } from 'vitest';
import { proxyFor, proxyVariables } from '../../../src/repository/s3/proxy.js';

const target = { secure: true, host: 'fsn1.your-objectstorage.com', port: 443 };

describe('the proxy of the environment', () => {
  it('is that of the scheme, in small letters or capitals, or else the one for all', () => {
    const variables = proxyVariables({ HTTPS_PROXY: 'capital', https_proxy: 'small', HTTP_PROXY: 'plain' });
    expect(proxyFor(variables, target)).toBe('small');
    expect(proxyFor(variables, { ...target, secure: false })).toBe('plain');
    expect(proxyFor(proxyVariables({ ALL_PROXY: 'all' }), target)).toBe('all');
    expect(proxyFor(proxyVariables({ ALL_PROXY: 'all', https_proxy: '' }), target)).toBeUndefined();
    expect(proxyFor(proxyVariables({}), target)).toBeUndefined();
  });

  it.each([
    ['*', true],
    ['your-objectstorage.com', true],
    ['.your-objectstorage.com', true],
    ['*.your-objectstorage.com', true],
    ['FSN1.your-objectstorage.com', true],
    ['other.org, .your-objectstorage.com', true],
    ['your-objectstorage.com:443', true],
    ['your-objectstorage.com:8443', false],
    ['objectstorage.com', false],
    ['nbg1.your-objectstorage.com', false],
    ['', false],
    [' , ,', false],
  ])('is not taken for a host that NO_PROXY "%s" names: %j', (no, isDirect) => {
    expect(proxyFor({ https: 'p', no }, target)).toBe(isDirect ? undefined : 'p');
  });

  it.each([
    ['10.1.2.3', '10.0.0.0/8', true],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '11.0.0.0/8', false],
    ['10.1.2.3', '10.0.0.0/99', false],
    ['10.1.2.3', 'fd00::/8', false],
    ['fd00::5', 'fd00::/8', true],
    ['fd00::5', 'fd00::5', true],
    ['name.test', '10.0.0.0/8', false],
  ])('is not taken for %s where NO_PROXY names the address or network %s: %j', (host, no, isDirect) => {
    expect(proxyFor({ https: 'p', no }, { ...target, host })).toBe(isDirect ? undefined : 'p');
  });

  it.each(['localhost', '127.0.0.1', '127.1.2.3', '::1'])('is never taken for this machine, %s', (host) => {
    expect(proxyFor({ https: 'p', http: 'p' }, { ...target, host })).toBeUndefined();
  });
});
