import { StateError } from '../../core/errors.js';
import { Secret } from '../../core/secret.js';
import type { Host } from '../../inventory/host.js';
import { showOrigin } from '../../inventory/place.js';

/** What Ansible would do with these variables is refused here; each is told why, and what to do instead. */
export function checkConnectionVariables(host: Host): void {
  const connection = host.variable('ansible_connection');
  if (connection !== undefined && connection !== null && !isSsh(connection)) {
    throw refused(host, 'ansible_connection', {
      what: `ansible_connection is "${String(connection)}", and hosts are reached by SSH only`,
      next:
        connection === 'local'
          ? 'Remove it, and let this machine be reached as any other: ansible_host: 127.0.0.1'
          : 'Remove it',
    });
  }
  for (const name of ['ansible_host_key_checking', 'ansible_ssh_host_key_checking']) {
    const checking = host.variable(name);
    if (checking === undefined || checking === null || isTrue(checking)) continue;
    throw refused(host, name, {
      what: `${name} is off, and host keys are always checked: a backup holds every secret of the host`,
      next: 'Set ssh_host_key_checking: accept-new to write unknown keys down, or pin coolify_host_key_fingerprint',
    });
  }
}

const CREDENTIALS = [
  ['s3_access_key', 'HETZNER_S3_ACCESS_KEY'],
  ['s3_secret_key', 'HETZNER_S3_SECRET_KEY'],
] as const;

/** Credentials in an inventory end up in a repository some day. What merely repeats the environment may stay. */
export function checkCredentialVariables(host: Host, ...values: readonly (Secret | undefined)[]): void {
  for (const [index, [name, variable]] of CREDENTIALS.entries()) {
    for (const found of [`coolify_${name}`, name]) {
      const raw = host.variable(found);
      const text = raw instanceof Secret ? raw.reveal() : raw;
      if (text === undefined || text === null || text === '' || text === values[index]?.reveal()) continue;
      throw refused(host, found, {
        what: `${found} holds a credential of S3, which is not read from the inventory`,
        next: `Put it into the environment as ${variable}`,
      });
    }
  }
}

function isSsh(connection: unknown): boolean {
  return ['ssh', 'smart', 'paramiko', 'paramiko_ssh', 'ansible.builtin.ssh', ''].some(
    (name) => name === connection,
  );
}

function isTrue(value: unknown): boolean {
  return (
    value === true || (typeof value === 'string' && ['true', 'yes', 'on', '1'].includes(value.toLowerCase()))
  );
}

function refused(
  host: Host,
  name: string,
  facts: { readonly what: string; readonly next: string },
): StateError {
  const origin = host.origin(name);
  return new StateError({
    kind: 'usage',
    code: 'settings.refused',
    what: `${origin === undefined ? '' : `${showOrigin(origin)}: `}${facts.what}`,
    next: facts.next,
    host: host.name,
  });
}
