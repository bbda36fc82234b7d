import type { JumpHost } from './options.js';

/**
 * Reads the hosts of `ProxyJump`: `[user@]host[:port]` or `ssh://[user@]host[:port]`, separated by commas.
 * @returns an empty list for `none`, undefined when it cannot be read
 */
export function parseJumpHosts(text: string): JumpHost[] | undefined {
  if (text.toLowerCase() === 'none') return [];
  const hosts: JumpHost[] = [];
  for (const part of text.split(',')) {
    const host = /^ssh:\/\//i.test(part) ? parseUri(part) : parseDestination(part);
    if (host === undefined) return undefined;
    hosts.push(host);
  }
  return hosts;
}

/** `user@host:port`; an IPv6 address stands in brackets. */
export function parseDestination(text: string): JumpHost | undefined {
  const at = text.lastIndexOf('@');
  const user = at < 0 ? undefined : text.slice(0, at);
  const [, bracketed, plain, port] =
    /^(?:\[([^\]]+)\]|([^:/[\]]+))(?::(\d*))?$/.exec(text.slice(at + 1)) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || user === '' || /\s/.test(text)) return undefined;
  if (port === undefined || port === '') return { user, host, port: undefined };
  const number = Number(port);
  return number >= 1 && number <= 65_535 ? { user, host, port: number } : undefined;
}

/** As it would be written in `ProxyJump`. */
export function showJumpHost({ user, host, port }: JumpHost): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return `${user === undefined ? '' : `${user}@`}${name}${port === undefined ? '' : `:${port}`}`;
}

/** The draft of the URI scheme: a user may be escaped, parameters after `;` are passed over, and there is no path. */
function parseUri(text: string): JumpHost | undefined {
  const [, userInfo, rest = ''] = /^ssh:\/\/(?:([^@]*)@)?([^@]*?)\/?$/i.exec(text) ?? [];
  const host = parseDestination(rest);
  if (host === undefined || userInfo === undefined) return host;
  try {
    const user = decodeURIComponent(userInfo.split(';')[0] ?? '');
    return user === '' ? undefined : { ...host, user };
  } catch {
    return undefined;
  }
}
