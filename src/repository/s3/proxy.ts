import { BlockList, isIP } from 'node:net';

/** The variables by which programs are told of a proxy, as curl and most others read them. */
export interface ProxyVariables {
  /** For `https:` endpoints. */
  readonly https?: string | undefined;
  /** For `http:` endpoints. */
  readonly http?: string | undefined;
  /** Hosts that are reached directly: `host`, `.domain`, `host:port`, separated by commas; `*` for all. */
  readonly no?: string | undefined;
}

/** Small letters win over capitals; `ALL_PROXY` counts where the scheme's own variable is not set. */
export function proxyVariables(env: Readonly<Record<string, string | undefined>>): ProxyVariables {
  const variable = (name: string) => env[name.toLowerCase()] ?? env[name];
  const all = variable('ALL_PROXY');
  return {
    https: variable('HTTPS_PROXY') ?? all,
    http: variable('HTTP_PROXY') ?? all,
    no: variable('NO_PROXY'),
  };
}

/** The proxy to take for a host: `undefined` to go there directly, and always for this machine itself. */
export function proxyFor(
  variables: ProxyVariables,
  target: { readonly secure: boolean; readonly host: string; readonly port: number },
): string | undefined {
  const proxy = target.secure ? variables.https : variables.http;
  if (proxy === undefined || proxy === '' || isLoopback(target.host)) return undefined;
  const exceptions = (variables.no ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  return exceptions.some((entry) => isMeant(entry.toLowerCase(), target)) ? undefined : proxy;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);
}

/** `*`, a name (with all below it, with or without a leading dot), an address, or a network such as `10.0.0.0/8`. */
function isMeant(entry: string, { host, port }: { readonly host: string; readonly port: number }): boolean {
  if (entry === '*') return true;
  const [, name = entry, only] = /^(?:\*(?=\.))?\.?(.+?)(?::(\d+))?$/.exec(entry) ?? [];
  if (only !== undefined && isIP(entry) === 0 && Number(only) !== port) return false;
  const wanted = host.toLowerCase();
  if (isIP(entry) !== 0) return wanted === entry;
  if (entry.includes('/')) return isInNetwork(wanted, entry);
  return wanted === name || wanted.endsWith(`.${name}`);
}

function isInNetwork(host: string, network: string): boolean {
  const [address = '', bits = ''] = network.split('/');
  const version = isIP(address);
  if (version === 0 || isIP(host) !== version || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (version === 4 ? 32 : 128)) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family);
  return list.check(host, family);
}
