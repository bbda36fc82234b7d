import type { Argv, CommandModule } from 'yargs';

/** A command as the overview tells of it. Its options and its work are loaded when it is the one that was asked for. */
export interface Command {
  readonly name: string;
  /** `backup [hosts]` */
  readonly usage: string;
  /** False for what is not shown. */
  readonly describe: string | false;
  /** Comes with what adds it, with its options, to yargs. */
  load(): Promise<(program: Argv) => Argv>;
}

/** Every command, in the order in which they are told. */
export const COMMANDS: readonly Command[] = [
  command(
    'backup [hosts]',
    'Pull, prove and keep the state of hosts, and upload it as snapshots',
    async () => (await import('./backup.js')).backupCommand,
  ),
  command(
    'restore [hosts]',
    'Rebuild hosts from snapshots and prove that they are the same instances',
    async () => (await import('./restore.js')).restoreCommand,
  ),
  command(
    'snapshots [hosts]',
    'List what there is: generations here, snapshots in the repositories',
    async () => (await import('./snapshots.js')).snapshotsCommand,
  ),
  command(
    'verify [hosts] [ids..]',
    'Prove snapshots without a target',
    async () => (await import('./verify.js')).verifyCommand,
  ),
  command(
    'drill [hosts]',
    'Restore snapshots onto a throwaway host that reaches nobody, prove them, leave evidence',
    async () => (await import('./drill.js')).drillCommand,
  ),
  command(
    'report [hosts]',
    'Write one HTML file: snapshots and drills over time, what is kept, what needs attention',
    async () => (await import('./report.js')).reportCommand,
  ),
  command(
    'diff [hosts]',
    'Tell in what a host differs from a snapshot, or two snapshots from each other',
    async () => (await import('./diff.js')).diffCommand,
  ),
  command(
    'prune [hosts]',
    'Remove the generations and snapshots that the policy does not keep, and leftovers',
    async () => (await import('./prune.js')).pruneCommand,
  ),
  command(
    'run [hosts]',
    'What a timer starts: backup, prune by the policy, verify a sample, tell who asked',
    async () => (await import('./run.js')).runCommandModule,
  ),
  command(
    'schedule <action>',
    'Run backups unattended: a systemd timer, or a crontab line where there is no systemd',
    async () => (await import('./schedule.js')).scheduleCommand,
  ),
  command(
    'fleet <action> [operation] [hosts]',
    'Many hosts on several machines: jobs in Redis, worked off by workers (needs bullmq and ioredis)',
    async () => (await import('./fleet.js')).fleetCommand,
  ),
  command(
    'doctor [hosts]',
    'Look for what would stop a backup or a restore, and say how to mend it',
    async () => (await import('./doctor.js')).doctorCommand,
  ),
  command(
    'init [host]',
    'Write a first inventory: asks, tries the connection and the repository, says what to run next',
    async () => (await import('./init.js')).initCommand,
  ),
  command(
    'inventory [action] [host]',
    'Show what the inventory means: --list, --graph, or "show HOST"',
    async () => (await import('./inventory.js')).inventoryCommand,
  ),
  command(
    'token [hosts]',
    'Make sure that API access works',
    async () => (await import('./token.js')).tokenCommand,
  ),
  command(
    'ls <snapshot> [hosts]',
    'List what is in a snapshot',
    async () => (await import('./ls.js')).lsCommand,
  ),
  command(
    'cat <snapshot> <path> [hosts]',
    'Write a file of a snapshot, or a folder of it as a tar archive',
    async () => (await import('./cat.js')).catCommand,
  ),
  command(
    'copy [hosts]',
    'Copy snapshots between repositories, encrypted as they are',
    async () => (await import('./copy.js')).copyCommand,
  ),
  command(
    'keys [hosts]',
    'Tell which key opens which snapshot, and try it on the newest',
    async () => (await import('./keys.js')).keysCommand,
  ),
  command(
    'rekey [hosts]',
    'Make snapshots open for the recipients of today, without touching what is in them',
    async () => (await import('./rekey.js')).rekeyCommand,
  ),
  command(
    'import <file>',
    'Make proper snapshots of an archive of the Ansible role that this program replaces',
    async () => (await import('./import.js')).importCommand,
  ),
  command(
    'host-policy <host>',
    'Print what limits an SSH key to taking backups of a host: a forced command, and what belongs to it',
    async () => (await import('./host-policy.js')).hostPolicyCommand,
  ),
  command(
    'completion <shell>',
    'Print the script that teaches a shell to complete hosts, snapshots, artifacts and options',
    async () => (await import('./completion.js')).completionCommand,
  ),
  command('__complete [words..]', false, async () => (await import('./completion.js')).completeCommand),
];

/**
 * What adds the commands to yargs: those of the given names whole, the others by name and description alone. yargs runs no
 * command but one whose name stands in the command line, so that it needs no more of them.
 */
export async function definitionOf(names: readonly string[]): Promise<(program: Argv) => Argv> {
  const parts = await Promise.all(
    COMMANDS.map(async (one) => (names.includes(one.name) ? await one.load() : namedOnly(one))),
  );
  return (program) => parts.reduce((defined, add) => add(defined), program);
}

/** What adds all commands to yargs, whole. */
export function fullDefinition(): Promise<(program: Argv) => Argv> {
  return definitionOf(COMMANDS.map(({ name }) => name));
}

function command<Arguments>(
  usage: string,
  describe: string | false,
  load: () => Promise<CommandModule<object, Arguments>>,
): Command {
  return {
    name: usage.split(' ', 1).join(),
    usage,
    describe,
    load: async () => {
      const module = ordered(await load());
      return (program) => program.command({ ...module, command: usage, describe });
    },
  };
}

function namedOnly({ name, usage, describe }: Command): (program: Argv) => Argv {
  const handler = (): never => {
    throw new Error(`the command ${name} was not loaded`);
  };
  return (program) => program.command({ command: usage, describe, handler });
}

/** Has the help of a command tell what it is given and its own options first, then what many commands share. */
function ordered<Arguments>(module: CommandModule<object, Arguments>): CommandModule<object, Arguments> {
  const { builder } = module;
  if (typeof builder !== 'function') return module;
  return {
    ...module,
    builder: (program) => {
      const built = builder(program.group([], 'Positionals:').group([], 'Options:'));
      if ('then' in built) throw new Error('the options of a command are known at once');
      return built;
    },
  };
}
