#!/usr/bin/env node
import { hideBin } from 'yargs/helpers';
import { asStateError } from '../core/errors.js';
import { commandLine } from './command-line.js';
import { errorFacts, renderError } from './render-error.js';

const args = hideBin(process.argv);
try {
  await commandLine(args).parseAsync();
} catch (thrown) {
  const { explainedUsage, wantsJson } = await import('./usage-errors.js');
  const failure = explainedUsage(asStateError(thrown, 'The command line could not be read'), args);
  if (wantsJson(args))
    process.stdout.write(`${JSON.stringify({ type: 'error', error: errorFacts(failure) })}\n`);
  else process.stderr.write(`${renderError(failure)}\n`);
  process.exitCode = failure.exitStatus;
}
