#!/usr/bin/env node
import { hideBin } from 'yargs/helpers';
import { asStateError } from '../core/errors.js';
import { commandLine } from './command-line.js';
import { renderError } from './render-error.js';

try {
  await commandLine(hideBin(process.argv)).parseAsync();
} catch (thrown) {
  const failure = asStateError(thrown, 'The command line could not be read');
  process.stderr.write(`${renderError(failure)}\n`);
  process.exitCode = failure.exitStatus;
}
