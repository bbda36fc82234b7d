import { EXIT_STATUS, type FailureKind } from '../../../../src/core/errors.js';
import type { ErrorEntry } from './catalogue.js';
import { grouped } from './grouped.js';

/** What the first part of a code says. */
const SUBJECTS: Readonly<Record<string, string>> = {
  'app-key': 'APP_KEY, which opens the encrypted values of the database.',
  archive:
    'The inside of a snapshot: age, compression, tar. Kind `proof` means that its bytes are not to be relied on.',
  artifact: 'The parts that a backup consists of, see [restore.md](restore.md).',
  backup: '`backup`.',
  cli: 'The command line itself.',
  coolify: 'Coolify itself, as it answers on a host.',
  copy: '`copy`.',
  credential: 'Secrets that systemd hands to a service.',
  database: 'The database of Coolify on a host.',
  docker: 'The Docker engine of this machine, which a drill needs.',
  doctor: '`doctor`, see [doctor.md](doctor.md).',
  drill: '`drill`.',
  dump: 'The database dump, read to its last block.',
  evidence: 'What a drill leaves beside a snapshot.',
  fleet: '`fleet`, see [fleet.md](fleet.md).',
  hook: 'Programs of yours that are run before and after a run, see [unattended.md](unattended.md).',
  'host-keys': 'The SSH host keys of a target.',
  'host-policy': '`host-policy`.',
  host: 'What stands, or does not stand, on a host.',
  identity: 'Private keys that open snapshots.',
  import: '`import`.',
  init: '`init`.',
  install: "Coolify's installer on a target.",
  instance: 'Which Coolify instance a host is.',
  inventory:
    'The inventory. The message names file, line and column, shows the line, and says what was expected there; correct it, ' +
    'see [inventory.md](inventory.md).',
  'key-file': 'Files with keys.',
  keys: 'The SSH keys that Coolify manages.',
  legacy: 'Archives and state folders of the Ansible role that this program replaces.',
  machine: 'This machine.',
  manifest: 'The list of what is in a generation or snapshot.',
  notify: 'Hooks, pings and messages about a run, see [unattended.md](unattended.md).',
  prune: '`prune`.',
  recipient: 'Public keys that snapshots are encrypted to.',
  repository: 'Where snapshots are kept, see [repositories.md](repositories.md).',
  restore: '`restore`, see [restore.md](restore.md).',
  rollback: '`restore --rollback`.',
  run: '`run`.',
  schedule: '`schedule`.',
  settings: 'Variables of the inventory, see [settings.md](settings.md).',
  signature: 'Signatures of evidence.',
  signers: 'Who may sign evidence.',
  snapshot: 'Snapshots and their ids.',
  sql: 'Names in the database.',
  ssh: 'Connections, see [connection.md](connection.md), which has more on each.',
  'ssh-config': 'What the configuration of ssh says of a host; the message names the line.',
  state: 'The folder `state/` on this machine.',
  token: '`token`.',
  verify: '`verify`.',
};

const HEAD = `# Errors

Every error has the same parts: what could not be done and on which host, why, what to do next, and a code. The codes are stable:
scripts may rely on them, and on the exit status, not on the sentences. \`-v\` adds the remote command and what it said,
\`-vv\` how the connection came about. With \`--json\` an error has the same parts as fields ([json.md](json.md)). Made from
the source; \`{name}\` stands for what depends.
`;

/** The page of all errors. */
export function errorPage(entries: readonly ErrorEntry[]): string {
  const groups = grouped(entries, ({ code }) => code.split('.')[0] ?? '');
  const names = [...groups.keys()].sort();
  const sections = names.map((name) => {
    const rows = [...grouped(groups.get(name) ?? [], ({ code }) => code)]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, ways]) => rowOf(code, ways));
    const subject = SUBJECTS[name];
    return [
      `## ${name}`,
      ...(subject === undefined ? [] : ['', subject]),
      '',
      '| code | status | what it says | what to do next |',
      '| --- | --- | --- | --- |',
      ...rows,
    ].join('\n');
  });
  return `${HEAD}\n${sections.join('\n\n')}\n`;
}

function rowOf(code: string, ways: readonly ErrorEntry[]): string {
  const kinds = [...new Set(ways.flatMap((way) => way.kinds))];
  const statuses = kinds.map((kind) => (isKind(kind) ? `${EXIT_STATUS[kind]} ${kind}` : kind));
  return `| \`${code}\` | ${statuses.join(', ') || 'that of the gravest'} | ${cell(ways.flatMap(({ whats }) => whats))} | ${cell(ways.flatMap(({ nexts }) => nexts))} |`;
}

/** Sentences in a cell; where one stands, so that a place in a file is named before it, is said once above. */
function cell(sentences: readonly string[]): string {
  const plain = sentences.map((sentence) =>
    sentence
      .replace(/^\{place\}: /, '')
      .replace(/\s*\n\s*/g, ' ')
      .replaceAll('|', '\\|')
      .replaceAll('<', '&lt;')
      .replaceAll('*', '\\*'),
  );
  const all = [...new Set(plain)].filter((sentence) => !/^\{\w+\}$/.test(sentence));
  return all.length === 0 ? '' : all.join('; or<br>');
}

export function isKind(kind: string): kind is FailureKind {
  return kind in EXIT_STATUS;
}
