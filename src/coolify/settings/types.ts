import { isAbsolute, resolve } from 'node:path';
import { type Compression, parseCompression } from '../../archive/compression.js';
import { parseDuration } from '../../core/duration.js';
import { Secret } from '../../core/secret.js';
import { type Environment, expandHome } from '../../inventory/paths.js';
import { parseSpan, type Span } from '../../repository/retention/span.js';

/** What a value is read against. */
export interface ReadContext {
  readonly env: Environment;
  readonly cwd: string;
  /** Folder that relative repositories start from: the one above the inventory. */
  readonly base: string;
}

/** A type of settings: its name in the reference, and how text or data becomes it. */
export interface SettingType<Value> {
  readonly name: string;
  /** Undefined when the value does not fit; the reader then says what was expected. */
  parse(raw: unknown, context: ReadContext): Value | undefined;
  /** What is expected, for errors. */
  readonly expected: string;
}

/** Where snapshots can go. */
export type RepositoryPlace =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly path: string };

function textOf(raw: unknown): string | undefined {
  if (raw instanceof Secret) return raw.reveal();
  if (typeof raw === 'string') return raw.trim();
  return typeof raw === 'number' || typeof raw === 'bigint' ? String(raw) : undefined;
}

export const TEXT: SettingType<string> = { name: 'text', expected: 'text', parse: textOf };

export const SECRET: SettingType<Secret> = {
  name: 'secret',
  expected: 'text',
  parse(raw) {
    if (raw instanceof Secret) return raw;
    return typeof raw === 'string' || typeof raw === 'number' ? new Secret(String(raw)) : undefined;
  },
};

/** An address that whoever knows it may use. */
function secretUrl(name: string, expected: string, protocol: RegExp): SettingType<Secret> {
  return {
    name,
    expected,
    parse(raw) {
      const text = textOf(raw);
      if (text === undefined || !URL.canParse(text) || !protocol.test(new URL(text).protocol))
        return undefined;
      return new Secret(text);
    },
  };
}

export const SECRET_URL = secretUrl('secret URL', 'an http or https URL', /^https?:$/);

export const SECRET_SMTP_URL = secretUrl('secret URL', 'an smtp or smtps URL', /^smtps?:$/);

export const BOOLEAN: SettingType<boolean> = {
  name: 'true or false',
  expected: 'true or false',
  parse(raw) {
    if (typeof raw === 'boolean') return raw;
    const text = textOf(raw)?.toLowerCase();
    if (text === undefined) return undefined;
    if (['true', 'yes', 'on', '1'].includes(text)) return true;
    return ['false', 'no', 'off', '0'].includes(text) ? false : undefined;
  },
};

/** A whole number within bounds; text with nothing but digits is one, as templates only give text. */
export function wholeNumber(least: number, most: number): SettingType<number> {
  return {
    name: 'number',
    expected: `a whole number from ${least} to ${most}`,
    parse(raw) {
      const text = textOf(raw) ?? '';
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= least && value <= most ? value : undefined;
    },
  };
}

/** How many snapshots a rule of retention keeps; -1 for all of them. */
export const KEEP_COUNT: SettingType<number> = {
  name: 'number or `unlimited`',
  expected: 'a whole number from 0 to 9999, or "unlimited"',
  parse(raw) {
    const text = textOf(raw)?.toLowerCase() ?? '';
    if (text === 'unlimited' || text === '-1') return -1;
    return /^\d{1,4}$/.test(text) ? Number(text) : undefined;
  },
};

export const SPAN: SettingType<Span> = {
  name: 'length of time',
  expected: 'years, months, days and hours, such as "1y5m7d2h"',
  parse(raw) {
    const text = textOf(raw);
    return text === undefined ? undefined : parseSpan(text);
  },
};

/** A shorter length of time, in seconds. */
export const DURATION: SettingType<number> = {
  name: 'duration',
  expected: 'days, hours, minutes and seconds, such as "1d", "1h30min" or "90s"',
  parse(raw) {
    const text = textOf(raw);
    return text === undefined ? undefined : parseDuration(text);
  },
};

/** One of some words, in small letters or capitals, with `-` or `_`. */
export function oneOf<const Choice extends string>(...choices: readonly Choice[]): SettingType<Choice> {
  return {
    name: choices.map((choice) => `\`${choice}\``).join(' or '),
    expected: choices.map((choice) => `"${choice}"`).join(' or '),
    parse(raw) {
      const text = spelling(textOf(raw) ?? '');
      return choices.find((choice) => spelling(choice) === text);
    },
  };
}

function spelling(word: string): string {
  return word.toLowerCase().replaceAll('_', '-');
}

/** A path on this machine: `~` is the home, relative ones start at the working directory as ssh takes them. */
export const LOCAL_PATH: SettingType<string> = {
  name: 'path',
  expected: 'the path of a file on this machine',
  parse(raw, { env, cwd }) {
    const text = textOf(raw);
    return text === undefined || text.includes('\0') ? undefined : resolve(cwd, expandHome(text, env));
  },
};

/** Such a path, or the word `none`. */
export const FILE_OR_NONE: SettingType<string> = {
  name: 'path or `none`',
  expected: 'the path of a file on this machine, or "none"',
  parse: (raw, context) => (textOf(raw)?.toLowerCase() === 'none' ? 'none' : LOCAL_PATH.parse(raw, context)),
};

export const REMOTE_PATH: SettingType<string> = {
  name: 'path on the host',
  expected: 'an absolute path on the host',
  parse(raw) {
    const text = textOf(raw);
    const fits = text?.startsWith('/') === true && !text.includes('\0') && !text.split('/').includes('..');
    return fits ? text : undefined;
  },
};

/** A list; a single text is a list of one, and in the environment and in flags commas separate. */
export function listOf<Item>(item: SettingType<Item>): SettingType<readonly Item[]> {
  return {
    name: `list of ${item.name}`,
    expected: `a list, each ${item.expected}`,
    parse(raw, context) {
      const parts = Array.isArray(raw) ? raw : textOf(raw)?.split(',');
      const items: Item[] = [];
      for (const part of parts ?? [undefined]) {
        const parsed = item.parse(part, context);
        if (parsed === undefined || part === '') return undefined;
        items.push(parsed);
      }
      return items;
    },
  };
}

export const COMPRESSION: SettingType<Compression> = {
  name: '`gzip` or `zstd`, with a level: `gzip:9`',
  expected: '"gzip" or "zstd", with or without a level from 1 to 9 or 19: "gzip:9", "zstd:19"',
  parse(raw) {
    const text = textOf(raw)?.toLowerCase();
    return text === undefined ? undefined : parseCompression(text);
  },
};

/** A public key as text, or the path of a file of them (which comes out absolute). */
const RECIPIENT: SettingType<string> = {
  name: 'public key or path',
  expected: 'a public key (`ssh-ed25519 ...`, `ssh-rsa ...`, `age1...`) or the path of a file of public keys',
  parse(raw, context) {
    const text = textOf(raw) ?? '';
    if (/(^|\s)(ssh-|ecdsa-|sk-|age1|AGE-)/.test(text) || text.includes('\n')) return text;
    return text === '' ? undefined : LOCAL_PATH.parse(text, context);
  },
};

/** A list of recipients. In one text commas and lines separate; options of a key may hold commas of their own. */
export const RECIPIENTS: SettingType<readonly string[]> = {
  ...listOf(RECIPIENT),
  parse(raw, context) {
    const parts = Array.isArray(raw) ? raw : textOf(raw)?.split(/,(?=\s*(?:ssh-|age1|[~./]))/);
    return parts === undefined ? undefined : listOf(RECIPIENT).parse(parts, context);
  },
};

export const FINGERPRINT: SettingType<string> = {
  name: 'fingerprint',
  expected: 'a fingerprint as ssh-keygen -l shows it, such as "SHA256:" and 43 characters',
  parse(raw) {
    const text = textOf(raw)?.replace(/={1,2}$/, '');
    return text !== undefined && /^SHA256:[A-Za-z0-9+/]{43}$/.test(text) ? text : undefined;
  },
};

export const HTTP_URL: SettingType<string> = {
  name: 'URL',
  expected: 'an http or https URL',
  parse(raw) {
    const text = textOf(raw);
    if (text === undefined || !URL.canParse(text)) return undefined;
    return /^https?:$/.test(new URL(text).protocol) ? text.replace(/(?<!\/)\/+$/, '') : undefined;
  },
};

export const REPOSITORY: SettingType<RepositoryPlace> = {
  name: 'repository',
  expected: '"file:/folder" or "s3://bucket/path"',
  parse(raw, { env, base }) {
    const text = textOf(raw) ?? '';
    const bucket = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(text);
    if (bucket !== null)
      return { kind: 's3', bucket: bucket[1] ?? '', path: bucket[2]?.replace(/(?<!\/)\/+$/, '') ?? '' };
    const folder = /^file:(?:\/\/(?=\/))?(.+)$/.exec(text)?.[1] ?? (isAbsolute(text) ? text : undefined);
    if (folder === undefined || folder.startsWith('//')) return undefined;
    return { kind: 'directory', path: resolve(base, expandHome(decoded(text, folder), env)) };
  },
};

/** In a URL with `file://` characters may be escaped; in the short `file:` they stand for themselves. */
function decoded(text: string, folder: string): string {
  if (!text.startsWith('file://')) return folder;
  try {
    return decodeURIComponent(folder);
  } catch {
    return folder;
  }
}
