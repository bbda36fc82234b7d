import yargs, { type Argv } from 'yargs';
import { StateError } from '../core/errors.js';
import { TOOL } from '../tool.js';
import { definitionOf } from './commands.js';
import { EXIT_STATUSES, GENERAL, helpWidth, PURPOSE } from './overview.js';

/** The whole command line. The commands that are named in it are there with their options, the others by name. */
export async function commandLine(args: readonly string[]): Promise<Argv> {
  const define = await definitionOf(args);
  return define(yargs([...args]).scriptName(TOOL.name))
    .usage(`$0 <command>\n\n${PURPOSE}`)
    .locale('en')
    .demandCommand(1, NO_COMMAND)
    .strict()
    .version(TOOL.version)
    .help()
    .alias('h', 'help')
    .group(['help', 'version'], GENERAL)
    .wrap(helpWidth(process.stdout.columns))
    .epilogue(EXIT_STATUSES)
    .exitProcess(false)
    .fail((message, error) => {
      // yargs has errors of its own for values that are missing or that a reader of values refused.
      if (error !== undefined && error.name !== 'YError') throw error;
      throw new StateError({ kind: 'usage', code: 'cli.usage', what: message ?? error.message });
    });
}

/** What is said when no command was named. */
export const NO_COMMAND = 'Name a command';
