import { z } from 'zod';
import { EXIT_STATUS } from '../../core/errors.js';

/** What `--json` tells of an error: the same facts as its text, without causes. */
export const failure = z
  .strictObject({
    kind: z
      .enum([
        'failed',
        'usage',
        'unreachable',
        'proof',
        'locked',
        'interrupted',
      ] satisfies (keyof typeof EXIT_STATUS)[])
      .describe(`decides the exit status: ${statuses()}`),
    code: z.string().describe('stable, dotted; all of them stand in docs/errors.md'),
    what: z.string().describe('one sentence: what could not be done; may be improved, do not match it'),
    why: z.string().optional().describe('why, as far as is known'),
    next: z.string().optional().describe('what can be done next'),
    host: z.string().optional().describe('name of the host in the inventory'),
    detail: z.string().optional().describe("last lines of a remote command's output, or other material"),
  })
  .meta({ id: 'Failure', description: 'an error' });

/** The only line, or the last one, of a command that could not do its work at all. */
export const errorLine = z
  .strictObject({ type: z.literal('error'), error: failure })
  .meta({ id: 'ErrorLine', description: 'the command could not do its work; no summary follows' });

function statuses(): string {
  return Object.entries(EXIT_STATUS)
    .map(([kind, status]) => `${kind} ${status}`)
    .join(', ');
}
