import { isMap, isScalar, parseDocument, stringify, YAMLMap } from 'yaml';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import { type Place, withTilde } from './place.js';
import type { Target } from './target.js';

/** All that a first inventory says. Nothing in it is secret. */
export interface InventoryAnswers {
  /** The host's name in the inventory. */
  readonly name: string;
  readonly target: Target;
  /** Absolute. Undefined leaves it to the agent and the usual keys. */
  readonly privateKeyFile: string | undefined;
  /** Absolute. Undefined means the files that ssh uses. */
  readonly knownHostsFile: string | undefined;
  /** Undefined where the inventory that the host is added to says it. */
  readonly place: Place | undefined;
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  /** Absolute path of a public key, or of a file of recipients. Undefined where the inventory says it. */
  readonly encryptionKey: string | undefined;
  /** Where Coolify was found, unless it is the usual folder. */
  readonly dataPath: string | undefined;
}

type Variable = readonly [name: string, value: string | number | boolean];

/** The text of a new inventory, with comments for whoever opens it next. */
export function renderInventory(answers: InventoryAnswers): string {
  const { name } = answers;
  const host = hostVariables(answers);
  const lines = [
    '# The Coolify controllers to back up, as an Ansible inventory. "coolify-state inventory show HOST" tells what every',
    '# setting is and where it comes from; docs/settings.md lists all there are. Further hosts stand beside the first one.',
    'controller:',
    '  hosts:',
    ...mapping('    ', [scalar(name), host]),
    ...(host.length === 0
      ? ['      # ansible_host: 203.0.113.10   # where the name above is not its address']
      : []),
    '  vars:',
    ...placeLines(answers),
    ...encryptionLines(answers),
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * The text of an inventory with one host more, in its group `controller`, which is made where there is none. Comments
 * and everything else stay.
 * @throws StateError `init.inventory-unreadable`, `init.host-exists`
 */
export function withHost(text: string, file: string, answers: InventoryAnswers): string {
  const document = parseDocument(text);
  const root = document.contents;
  const [broken] = document.errors;
  if (broken !== undefined) throw unreadable(file, broken.message.split('\n')[0] ?? '');
  if (root !== null && !isMap(root)) throw unreadable(file, 'it is not a mapping of groups');
  const nested = ['all', 'children', 'controller'];
  const group = document.hasIn(nested) ? nested : ['controller'];
  const path = [...group, 'hosts', answers.name];
  if (document.hasIn(path)) {
    throw new StateError({
      kind: 'usage',
      code: 'init.host-exists',
      what: `${printable(answers.name)} is in ${file} already`,
      next: 'change it there, or give another name with --name',
    });
  }
  for (let length = 1; length < path.length; length++) {
    const above = path.slice(0, length);
    const node = document.getIn(above, true);
    if (node === undefined || node === null || (isScalar(node) && node.value === null))
      document.setIn(above, new YAMLMap());
    else if (!isMap(node)) throw unreadable(file, `"${above.join('.')}" is not a mapping`);
  }
  const variables = [...hostVariables(answers), ...sharedVariables(answers)];
  document.setIn(path, document.createNode(variables.length === 0 ? null : Object.fromEntries(variables)));
  return document.toString({ lineWidth: 0 });
}

function unreadable(file: string, why: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'init.inventory-unreadable',
    what: `A host cannot be added to ${file} by this program`,
    why,
    next: 'add the host by hand, or name another file with -i',
  });
}

/** What is the host's own. */
function hostVariables({
  name,
  target,
  privateKeyFile,
  knownHostsFile,
  dataPath,
}: InventoryAnswers): Variable[] {
  const { address, port, user } = target;
  return [
    ...(address === name ? [] : [['ansible_host', address] as const]),
    ...(port === undefined || port === 22 ? [] : [['ansible_port', port] as const]),
    ...(user === undefined || user === 'root' ? [] : [['ansible_user', user] as const]),
    ...(privateKeyFile === undefined
      ? []
      : [['ansible_ssh_private_key_file', withTilde(privateKeyFile)] as const]),
    ...(knownHostsFile === undefined
      ? []
      : [['coolify_known_hosts_file', withTilde(knownHostsFile)] as const]),
    ...(dataPath === undefined ? [] : [['coolify_data_path', dataPath] as const]),
  ];
}

/** What a host that is added has otherwise than its inventory says for all. */
function sharedVariables(answers: InventoryAnswers): Variable[] {
  const { encryptionKey } = answers;
  return [
    ...placeVariables(answers),
    ...(encryptionKey === undefined
      ? []
      : [['coolify_backup_encryption_key_path', withTilde(encryptionKey)] as const]),
  ];
}

function placeVariables({ place, endpoint, region }: InventoryAnswers): Variable[] {
  switch (place?.kind) {
    case undefined:
      return [];
    case 'none':
      return [['coolify_s3_enabled', false]];
    case 'directory':
      return [['coolify_repository', `file:${place.path}`]];
    case 's3':
      return [
        ...(endpoint === undefined ? [] : [['coolify_s3_endpoint', endpoint] as const]),
        ...(region === undefined ? [] : [['coolify_s3_region', region] as const]),
        ['coolify_s3_bucket', place.bucket],
        ...(place.path === undefined ? [] : [['coolify_s3_path', place.path] as const]),
      ];
  }
}

function placeLines(answers: InventoryAnswers): string[] {
  const lines = placeVariables(answers).map((variable) => `    ${assignment(variable)}`);
  switch (answers.place?.kind) {
    case 's3':
      return [
        '    # Where snapshots go. The credentials are not kept here: they are read from the environment, as',
        '    # HETZNER_S3_ACCESS_KEY and HETZNER_S3_SECRET_KEY.',
        ...lines,
      ];
    case 'directory':
      return ['    # Where snapshots go. "s3://bucket/path" is possible too.', ...lines];
    default:
      return [
        '    # Backups stay on this machine only. Name a bucket or a folder: a lost laptop is a lost backup.',
        ...lines,
      ];
  }
}

function encryptionLines(answers: InventoryAnswers): string[] {
  const { encryptionKey } = answers;
  if (encryptionKey === undefined) return [];
  return [
    '    # Whom snapshots are encrypted to. The public half is enough to back up; to restore, its private half is needed.',
    `    ${assignment(['coolify_backup_encryption_key_path', withTilde(encryptionKey)])}`,
  ];
}

function mapping(indent: string, [name, variables]: readonly [string, readonly Variable[]]): string[] {
  return [`${indent}${name}:`, ...variables.map((variable) => `${indent}  ${assignment(variable)}`)];
}

function assignment([name, value]: Variable): string {
  return `${name}: ${scalar(value)}`;
}

/** A scalar on one line, quoted where YAML would take it for something else. */
function scalar(value: string | number | boolean): string {
  return stringify(value, { lineWidth: 0 }).trimEnd();
}
