#!/usr/bin/env node
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { asStateError, StateError } from '../core/errors.js';
import { TOOL } from '../tool.js';
import { backupCommand } from './backup.js';
import { diffCommand } from './diff.js';
import { inventoryCommand } from './inventory.js';
import { renderError } from './render-error.js';
import { restoreCommand } from './restore.js';
import { snapshotsCommand } from './snapshots.js';
import { verifyCommand } from './verify.js';

const parser = yargs(hideBin(process.argv))
  .scriptName(TOOL.name)
  .usage(
    '$0 <command>\n\nBacks up Coolify controllers over SSH into proven, encrypted snapshots, and rebuilds them.',
  )
  .command(backupCommand)
  .command(restoreCommand)
  .command(snapshotsCommand)
  .command(verifyCommand)
  .command(diffCommand)
  .command(inventoryCommand)
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

try {
  await parser.parseAsync();
} catch (thrown) {
  const failure = asStateError(thrown, 'The command line could not be read');
  process.stderr.write(`${renderError(failure)}\n`);
  process.exitCode = failure.exitStatus;
}
