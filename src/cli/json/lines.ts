import { z } from 'zod';
import { eventLine } from './events.js';
import { errorLine } from './failure.js';
import { FLEET_SUMMARY, workerLine } from './fleet.js';
import { FLEET_SUMMARIES } from './fleet-summaries.js';
import { findingLine, OTHER_SUMMARIES } from './other-summaries.js';

/** Commands that tell findings instead of the events of hosts. */
const CHECKING: readonly string[] = ['doctor', 'init'];

/** Commands that tell nothing before their summary. */
const SILENT: readonly string[] = ['snapshots', 'report', 'ls', 'cat', 'keys', 'schedule', 'inventory'];

/**
 * What each command prints with `--json`, line by line. Strict: what is not described here is not printed. The published
 * form (`publishedSchema`) is open, because fields may be added.
 */
export const JSON_LINES: ReadonlyMap<string, z.ZodType> = new Map(
  Object.entries({ ...FLEET_SUMMARIES, ...OTHER_SUMMARIES, fleet: FLEET_SUMMARY }).map(
    ([command, summary]): [string, z.ZodType] => [
      command,
      z.union([
        ...(command === 'fleet' ? [workerLine] : []),
        ...(CHECKING.includes(command) ? [findingLine] : SILENT.includes(command) ? [] : [eventLine]),
        summary.meta({ description: 'the last line of a command that could do its work' }),
        errorLine,
      ]),
    ],
  ),
);

/** The JSON Schema (2020-12) of a command's lines for those who read them: a field more than it knows is no fault. */
export function publishedSchema(command: string, line: z.ZodType): object {
  const { $schema, ...rest } = z.toJSONSchema(line, {
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
  return { $schema, title: `A line that coolify-state ${command} --json prints`, ...rest };
}

/** What is wrong with a line; undefined when it is one that some command may print. */
export function lineFault(text: string): string | undefined {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return `not JSON: ${text}`;
  }
  const { type, command } = anyLine.parse(line);
  const schema =
    type === 'summary'
      ? JSON_LINES.get(command ?? '')
      : type === 'error'
        ? errorLine
        : type === 'finding'
          ? findingLine
          : /^(job|worker)-/.test(type)
            ? workerLine
            : eventLine;
  if (schema === undefined) return `no schema for the summary of ${command}`;
  const { error } = schema.safeParse(line);
  return error === undefined ? undefined : `${z.prettifyError(error)}\n${text}`;
}

const anyLine = z.looseObject({ type: z.string(), command: z.string().optional() });
