import { StateError } from '../../core/errors.js';

/** How what is told on standard error is written. */
export const LOG_FORMATS = ['plain', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/**
 * What the command line asks for, or else the environment; undefined when neither does.
 * @throws StateError `cli.usage`
 */
export function logFormatOf(
  option: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): LogFormat | undefined {
  const wish = option ?? env['COOLIFY_STATE_LOG'];
  if (wish === undefined || wish === '') return undefined;
  const format = LOG_FORMATS.find((one) => one === wish);
  if (format !== undefined) return format;
  throw new StateError({
    kind: 'usage',
    code: 'cli.usage',
    what: 'COOLIFY_STATE_LOG takes "plain" or "json"',
    next: 'leave it out for what suits the terminal',
  });
}
