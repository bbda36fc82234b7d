import yargs, { type Argv, type CommandModule } from 'yargs';
import { StateError } from '../core/errors.js';
import { TOOL } from '../tool.js';
import { backupCommand } from './backup.js';
import { catCommand } from './cat.js';
import { completeCommand, completionCommand } from './completion.js';
import { copyCommand } from './copy.js';
import { diffCommand } from './diff.js';
import { doctorCommand } from './doctor.js';
import { drillCommand } from './drill.js';
import { hostPolicyCommand } from './host-policy.js';
import { importCommand } from './import.js';
import { initCommand } from './init.js';
import { inventoryCommand } from './inventory.js';
import { keysCommand } from './keys.js';
import { lsCommand } from './ls.js';
import { GENERAL } from './options.js';
import { pruneCommand } from './prune.js';
import { rekeyCommand } from './rekey.js';
import { reportCommand } from './report.js';
import { restoreCommand } from './restore.js';
import { runCommandModule } from './run.js';
import { scheduleCommand } from './schedule.js';
import { snapshotsCommand } from './snapshots.js';
import { tokenCommand } from './token.js';
import { verifyCommand } from './verify.js';

/** The whole command line: every command with its options. */
export function commandLine(args: readonly string[]): Argv {
  return withCommands(yargs([...args]).scriptName(TOOL.name))
    .usage(`$0 <command>\n\n${PURPOSE}`)
    .locale('en')
    .demandCommand(1, NO_COMMAND)
    .strict()
    .version(TOOL.version)
    .help()
    .alias('h', 'help')
    .group(['help', 'version'], GENERAL)
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .epilogue(
      'Exit status: 0 well, 1 failed, 2 usage, 3 unreachable, 4 a proof failed, 5 locked, 130 interrupted.',
    )
    .exitProcess(false)
    .fail((message, error) => {
      // yargs has errors of its own for values that are missing or that a reader of values refused.
      if (error !== undefined && error.name !== 'YError') throw error;
      throw new StateError({ kind: 'usage', code: 'cli.usage', what: message ?? error.message });
    });
}

/** What the program is for, in one sentence. */
export const PURPOSE =
  'Backs up Coolify controllers over SSH into proven, encrypted snapshots, and rebuilds them.';

/** What is said when no command was named. */
export const NO_COMMAND = 'Name a command';

/** Adds the commands alone, in the order in which they are told. */
export function withCommands(program: Argv): Argv {
  return program
    .command(ordered(backupCommand))
    .command(ordered(restoreCommand))
    .command(ordered(snapshotsCommand))
    .command(ordered(verifyCommand))
    .command(ordered(drillCommand))
    .command(ordered(reportCommand))
    .command(ordered(diffCommand))
    .command(ordered(pruneCommand))
    .command(ordered(runCommandModule))
    .command(ordered(scheduleCommand))
    .command(ordered(doctorCommand))
    .command(ordered(initCommand))
    .command(ordered(inventoryCommand))
    .command(ordered(tokenCommand))
    .command(ordered(lsCommand))
    .command(ordered(catCommand))
    .command(ordered(copyCommand))
    .command(ordered(keysCommand))
    .command(ordered(rekeyCommand))
    .command(ordered(importCommand))
    .command(ordered(hostPolicyCommand))
    .command(ordered(completionCommand))
    .command(ordered(completeCommand));
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
