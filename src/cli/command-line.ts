import yargs, { type Argv } from 'yargs';
import { StateError } from '../core/errors.js';
import { TOOL } from '../tool.js';
import { backupCommand } from './backup.js';
import { catCommand } from './cat.js';
import { completeCommand, completionCommand } from './completion.js';
import { copyCommand } from './copy.js';
import { diffCommand } from './diff.js';
import { doctorCommand } from './doctor.js';
import { importCommand } from './import.js';
import { initCommand } from './init.js';
import { inventoryCommand } from './inventory.js';
import { keysCommand } from './keys.js';
import { lsCommand } from './ls.js';
import { pruneCommand } from './prune.js';
import { rekeyCommand } from './rekey.js';
import { restoreCommand } from './restore.js';
import { runCommandModule } from './run.js';
import { scheduleCommand } from './schedule.js';
import { snapshotsCommand } from './snapshots.js';
import { tokenCommand } from './token.js';
import { verifyCommand } from './verify.js';

/** The whole command line: every command with its options. */
export function commandLine(args: readonly string[]): Argv {
  return yargs([...args])
    .scriptName(TOOL.name)
    .usage(
      '$0 <command>\n\nBacks up Coolify controllers over SSH into proven, encrypted snapshots, and rebuilds them.',
    )
    .command(backupCommand)
    .command(restoreCommand)
    .command(snapshotsCommand)
    .command(pruneCommand)
    .command(verifyCommand)
    .command(tokenCommand)
    .command(lsCommand)
    .command(catCommand)
    .command(copyCommand)
    .command(keysCommand)
    .command(rekeyCommand)
    .command(importCommand)
    .command(diffCommand)
    .command(runCommandModule)
    .command(scheduleCommand)
    .command(doctorCommand)
    .command(inventoryCommand)
    .command(initCommand)
    .command(completionCommand)
    .command(completeCommand)
    .demandCommand(1, 'name a command')
    .recommendCommands()
    .strict()
    .version(TOOL.version)
    .help()
    .alias('h', 'help')
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .epilogue(
      'Exit status: 0 well, 1 failed, 2 usage, 3 unreachable, 4 a proof failed, 5 locked, 130 interrupted.',
    )
    .exitProcess(false)
    .fail((message, error) => {
      throw (
        error ??
        new StateError({ kind: 'usage', code: 'cli.usage', what: message, next: `${TOOL.name} --help` })
      );
    });
}
