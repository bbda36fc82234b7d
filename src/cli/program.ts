import { asStateError } from '../core/errors.js';
import { asksForOverview, helpWidth, overview } from './overview.js';
import { errorFacts, renderError } from './render-error.js';

/**
 * Runs the program with its arguments, without those that start it. Sets the exit status; what is wrong with the arguments is told
 * as every other error, with `--json` as a line of it.
 */
export async function program(args: readonly string[]): Promise<void> {
  try {
    if (asksForOverview(args)) {
      process.stdout.write(`${overview(helpWidth(process.stdout.columns))}\n`);
      return;
    }
    const { keepCompiledCode } = await import('./compiled-code.js');
    await keepCompiledCode();
    const { commandLine } = await import('./command-line.js');
    await (await commandLine(args)).parseAsync();
  } catch (thrown) {
    const { explainedUsage, wantsJson } = await import('./usage-errors.js');
    const failure = await explainedUsage(asStateError(thrown, 'The command line could not be read'), args);
    if (wantsJson(args))
      process.stdout.write(`${JSON.stringify({ type: 'error', error: errorFacts(failure) })}\n`);
    else process.stderr.write(`${renderError(failure)}\n`);
    process.exitCode = failure.exitStatus;
  }
}

/** What happened where nobody waited for it: told without a stack, unless that was asked for. Ends the process. */
export function endOfProgram(thrown: unknown): never {
  const debug = process.env['COOLIFY_STATE_DEBUG'] !== undefined;
  process.stderr.write(`${renderError(asStateError(thrown, 'The program broke off'), { debug })}\n`);
  process.exit(1);
}
