import type { CommandModule } from 'yargs';
import { TOOL } from '../tool.js';
import { completionScript, SHELLS, type Shell } from './completion-scripts.js';
import { standardOutput } from './progress.js';

export const completionCommand: CommandModule<object, { shell: Shell }> = {
  builder: (yargs) =>
    yargs
      .positional('shell', { choices: SHELLS, demandOption: true, describe: 'the shell' })
      .example('source <($0 completion bash)', 'for this shell; put it into ~/.bashrc to keep it')
      .example('$0 completion fish | source', 'the same in fish'),
  handler: ({ shell }) => {
    process.stdout.write(completionScript(shell));
  },
};

/** What the scripts call; not shown in the help. */
export const completeCommand: CommandModule<object, { words: string[] }> = {
  builder: (yargs) =>
    yargs
      .parserConfiguration({ 'populate--': true, 'unknown-options-as-args': true })
      .positional('words', { type: 'string', array: true, default: [] })
      .strict(false),
  handler: async () => {
    const [{ completionsOf }, { commandLine }] = await Promise.all([
      import('./complete.js'),
      import('./command-line.js'),
    ]);
    const words = process.argv.slice(process.argv.indexOf('--') + 1);
    const { out } = standardOutput();
    const found = await completionsOf(words);
    if (found !== 'static') for (const one of found) out(one);
    else {
      // yargs prints its suggestions itself; for some shells it would add descriptions, which the scripts do not expect.
      process.env['SHELL'] = '/bin/sh';
      delete process.env['ZSH_NAME'];
      const asked = await commandLine(['--get-yargs-completions', TOOL.name, ...words]);
      await asked.parseAsync();
    }
  },
};
