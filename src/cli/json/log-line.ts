import { z } from 'zod';
import { EXIT_STATUS } from '../../core/errors.js';
import { recap, taskStatus } from './events.js';
import { failure } from './failure.js';
import { proof, time } from './report.js';

/** A line of `--log json`: one fact. */
export const logLine = z
  .strictObject({
    time,
    level: z.enum(['debug', 'info', 'warning', 'error']).describe('debug comes with -v'),
    run: z
      .string()
      .describe(
        'of this run: eight hex digits, which stand in notifications and in the evidence of drills too',
      ),
    event: z
      .enum([
        'start',
        'host-start',
        'task-start',
        'task-progress',
        'task-end',
        'warning',
        'proof',
        'result',
        'host-end',
        'message',
        'error',
        'end',
      ])
      .describe(
        'what it is about; `result` is of a host that is done, `message` everything else that is said',
      ),
    message: z.string().describe('for people; may be improved, do not match it'),
    host: z.string().optional().describe('name of the host in the inventory'),
    task: z.string().optional().describe('name of the step'),
    status: taskStatus.optional().describe('how the step ended'),
    milliseconds: z.number().optional(),
    bytes: z.number().optional().describe('how much was moved'),
    diff: z.array(z.string()).optional().describe('lines of a difference, secrets redacted; with --diff'),
    recap: recap.optional(),
    proof: proof.shape.name.optional().describe('name of the proof'),
    ok: proof.shape.ok.optional().describe('how the proof came out'),
    error: failure.optional().describe('why the host, or the whole command, failed'),
    exitStatus: z
      .number()
      .optional()
      .describe(`of \`end\`: 0, or ${Object.values(EXIT_STATUS).join(', ')}`),
  })
  .meta({ id: 'LogLine' });

export type LogLine = z.input<typeof logLine>;

/** The published form. */
export function publishedLogSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(logLine, {
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
  return { $schema, title: 'A line that coolify-state --log json prints', ...rest };
}
