import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';

/** Where a controller is, as people write it. */
export interface Target {
  /** Name or address. */
  readonly address: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
}

/**
 * Reads `host`, `user@host`, `user@host:2222`, `[2001:db8::1]:2222`, `2001:db8::1` and `ssh://user@host:2222`.
 * @throws StateError `init.host`
 */
export function parseTarget(text: string): Target {
  const plain = text.trim().replace(/^ssh:\/\/(.*?)\/?$/i, '$1');
  const at = plain.lastIndexOf('@');
  const user = at < 0 ? undefined : plain.slice(0, at);
  const { address, port } = addressOf(plain.slice(at + 1), text);
  if (user !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9_.\\-]*$/.test(user)) throw noTarget(text);
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(address) && !/^[0-9A-Fa-f:]+(%[A-Za-z0-9]+)?$/.test(address))
    throw noTarget(text);
  return { address, user, port };
}

function addressOf(place: string, whole: string): Pick<Target, 'address' | 'port'> {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(place);
  if (bracketed?.[1] !== undefined) return { address: bracketed[1], port: portOf(bracketed[2], whole) };
  const colon = place.indexOf(':');
  // More than one colon: an IPv6 address, which needs brackets around it to have a port behind it.
  if (colon < 0 || colon !== place.lastIndexOf(':')) return { address: place, port: undefined };
  return { address: place.slice(0, colon), port: portOf(place.slice(colon + 1), whole) };
}

function portOf(text: string | undefined, whole: string): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw noTarget(whole);
}

function noTarget(text: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'init.host',
    what: `"${printable(text)}" does not name a host`,
    why: 'expected host, user@host or user@host:port',
    next: 'for example root@coolify.example.com',
  });
}
