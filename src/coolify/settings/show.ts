import { Secret } from '../../core/secret.js';
import { isSpan, showSpan } from '../../repository/retention/span.js';
import type { Entry, Settings } from './settings.js';
import { showSource } from './settings.js';

/** A line of `inventory show`. */
export interface ShownSetting {
  readonly name: string;
  /** As text; secrets are redacted, what is not set is `-`. */
  readonly value: string;
  readonly source: string;
}

/** Every setting of a host with its value and where it comes from, in the order of the reference. */
export function shownSettings(settings: Settings): ShownSetting[] {
  const entries: readonly Entry<unknown>[] = Object.values(settings);
  return entries.map(({ name, value, source, hidden }) => ({
    name,
    // What came out of a vault is a secret, whatever the setting is.
    value: hidden === true ? '[redacted]' : shownValue(value),
    source: showSource(source),
  }));
}

function shownValue(value: unknown): string {
  if (value === undefined) return '-';
  if (value instanceof Secret) return String(value);
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(shownValue).join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  if ('algorithm' in value && 'level' in value) return `${value.algorithm}:${value.level}`;
  if (isSpan(value)) return showSpan(value);
  if ('bucket' in value && 'path' in value) return `s3://${value.bucket}/${value.path}`;
  return 'path' in value ? `file:${value.path}` : JSON.stringify(value);
}
