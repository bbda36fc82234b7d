import yargs, { type Argv } from 'yargs';
import { z } from 'zod';

/** A command as its definition for yargs describes it. */
export interface CommandFacts {
  /** `backup` */
  readonly name: string;
  /** `backup [hosts]` */
  readonly usage: string;
  readonly describe: string;
  readonly positionals: readonly OptionFacts[];
  readonly options: readonly OptionFacts[];
  readonly examples: readonly ExampleFacts[];
}

export interface OptionFacts {
  /** Without dashes. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly describe: string;
  /** Heading in the help, without its colon. */
  readonly group: string;
  /** `boolean` and `count` take no value. */
  readonly type: 'string' | 'number' | 'boolean' | 'count';
  readonly isList: boolean;
  readonly isRequired: boolean;
  readonly choices: readonly string[];
  /** As it would be typed; undefined where nothing, or no, is the default. */
  readonly default: string | undefined;
}

export interface ExampleFacts {
  /** `$0` stands for the program. */
  readonly command: string;
  readonly says: string;
}

/**
 * The commands that a definition adds, in its order, without hidden ones. What is told to yargs is written down instead: the
 * reference, the manual page and the suggestions come from the same source as the help.
 */
export function recordedCommands(define: (program: Argv) => Argv): CommandFacts[] {
  return recordedCalls(define).flatMap(({ name, values: [module] }) => {
    const parsed = moduleSchema.safeParse(module);
    return name === 'command' && parsed.success ? [commandFacts(parsed.data)] : [];
  });
}

interface Call {
  readonly name: string;
  readonly values: readonly unknown[];
}

/** What a definition tells yargs, call by call. */
function recordedCalls(define: (program: Argv) => unknown): Call[] {
  const calls: Call[] = [];
  const recorder: Argv = new Proxy(yargs([]), {
    get: (_target, name) => {
      return (...values: readonly unknown[]) => {
        calls.push({ name: String(name), values });
        return recorder;
      };
    },
  });
  define(recorder);
  return calls;
}

const moduleSchema = z.object({
  command: z.string(),
  describe: z.string(),
  builder: z.custom<(program: Argv) => unknown>((value) => typeof value === 'function'),
});

const strings = z
  .union([z.string().transform((one) => [one]), z.array(z.string())])
  .optional()
  .transform((given) => given ?? []);

const optionSchema = z.object({
  alias: strings,
  type: z.enum(['string', 'number', 'boolean', 'count']).optional(),
  array: z.boolean().optional(),
  describe: z.string().optional(),
  group: z.string().optional(),
  demandOption: z.boolean().optional(),
  choices: z.array(z.string()).readonly().optional(),
  default: z.unknown().optional(),
});

function commandFacts({ command, describe, builder }: z.infer<typeof moduleSchema>): CommandFacts {
  const calls = recordedCalls(builder);
  return {
    name: command.split(' ', 1).join(),
    usage: command,
    describe,
    positionals: calls.flatMap(({ name, values: [positional, option] }) =>
      name === 'positional' ? [optionFacts(String(positional), option)] : [],
    ),
    options: calls.flatMap(({ name, values: [first, second] }) => {
      if (name === 'option') return [optionFacts(String(first), second)];
      if (name !== 'options') return [];
      const options = z.record(z.string(), z.unknown()).parse(first);
      return Object.entries(options).map(([option, facts]) => optionFacts(option, facts));
    }),
    examples: calls.flatMap(({ name, values: [example, says] }) =>
      name === 'example' ? [{ command: String(example), says: String(says) }] : [],
    ),
  };
}

function optionFacts(name: string, option: unknown): OptionFacts {
  const { alias, type = 'string', array = false, group = 'Options:', ...given } = optionSchema.parse(option);
  return {
    name,
    aliases: alias,
    describe: given.describe ?? '',
    group: group.replace(/:$/, ''),
    type,
    isList: array,
    isRequired: given.demandOption ?? false,
    choices: given.choices ?? [],
    default: shownDefault(given.default),
  };
}

function shownDefault(value: unknown): string | undefined {
  if (value === undefined || value === false) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.join(' ');
  return String(value);
}
