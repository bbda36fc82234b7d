import { Float, Moment, type Scalar } from './value.js';

/**
 * What a plain YAML scalar means to Ansible: YAML 1.1 as PyYAML resolves it, which is neither the letter of
 * YAML 1.1 (`y` is a string here, `1e3` too) nor YAML 1.2 (`yes` is true, `010` is eight, `1:30` is ninety).
 * Source: PyYAML's resolver; held against it in test/interop/inventory.
 */
export function resolvePlain(text: string): Scalar {
  if (text === '' || text === '~' || text === 'null' || text === 'Null' || text === 'NULL') return null;
  return booleanOf(text) ?? integerOf(text) ?? floatOf(text) ?? momentOf(text) ?? text;
}

/** The value under an explicit tag (`!!int "5"`), or undefined when the text does not fit the tag. */
export function resolveTagged(tag: string, text: string): Scalar | undefined {
  switch (tag.replace('tag:yaml.org,2002:', '')) {
    case 'str':
    case 'python/unicode':
    case 'python/str':
      return text;
    case 'null':
      return null;
    case 'bool':
      return { yes: true, no: false, true: true, false: false, on: true, off: false }[text.toLowerCase()];
    case 'int':
      return integerOf(text);
    case 'float': {
      const plain = integerOf(text);
      return plain === undefined ? (floatOf(text) ?? looseFloat(text)) : new Float(Number(plain));
    }
    case 'timestamp':
      return momentOf(text);
    case 'binary':
      return Buffer.from(text, 'base64').toString('utf8');
    default:
      return undefined;
  }
}

function booleanOf(text: string): boolean | undefined {
  if (/^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/.test(text)) return true;
  if (/^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/.test(text)) return false;
  return undefined;
}

function integerOf(text: string): number | bigint | undefined {
  const match =
    /^([-+]?)(?:(0b[01_]+)|(0x[0-9a-fA-F_]+)|(0[0-7_]+)|((?:0|[1-9][0-9_]*)(?!:)|[1-9][0-9_]*(?::[0-5]?[0-9])+))$/.exec(
      text,
    );
  if (match === null) return undefined;
  const [, sign, binary, hex, octal, decimal] = match;
  const digits = (binary ?? hex ?? octal ?? decimal ?? '').replaceAll('_', '');
  let value: bigint;
  if (octal !== undefined) value = BigInt(`0o${digits}`);
  else if (binary !== undefined || hex !== undefined) {
    if (digits.length === 2) return undefined;
    value = BigInt(digits);
  } else {
    value = digits.split(':').reduce((sum, part) => sum * 60n + BigInt(part), 0n);
  }
  return narrow(sign === '-' ? -value : value);
}

/** Integers are numbers as long as a number holds them exactly. */
export function narrow(value: bigint): number | bigint {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

function floatOf(text: string): Float | undefined {
  if (/^[-+]?\.(?:inf|Inf|INF)$/.test(text)) {
    return new Float(text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
  }
  if (/^\.(?:nan|NaN|NAN)$/.test(text)) return new Float(Number.NaN);
  if (/^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$/.test(text)) {
    const negative = text.startsWith('-');
    const parts = text.replace(/^[-+]/, '').replaceAll('_', '').split(':');
    const value = parts.reduce((sum, part) => sum * 60 + Number(part), 0);
    return new Float(negative ? -value : value);
  }
  const pattern = /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)$/;
  return pattern.test(text) ? looseFloat(text) : undefined;
}

function looseFloat(text: string): Float | undefined {
  const value = Number(text.replaceAll('_', ''));
  return Number.isNaN(value) || text.trim() === '' ? undefined : new Float(value);
}

const TIME =
  /^(\d{4})-(\d\d?)-(\d\d?)(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?(?:[ \t]*(Z|([-+])(\d\d?)(?::?(\d\d))?))?$/;

/** Undefined where it is no date; an impossible one, such as the 31st of June, stays text. */
function momentOf(text: string): Moment | undefined {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return dateExists(text) ? new Moment(text, text) : undefined;
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [, year = '', month = '', day = '', hour = '', minute, second, fraction = '', zone, sign, zh, zm] =
    match;
  const two = (part: string): string => part.padStart(2, '0');
  const date = `${year}-${two(month)}-${two(day)}`;
  if (!dateExists(date) || Number(hour) > 23) return undefined;
  const micro = fraction.slice(0, 6).padEnd(6, '0');
  const time = `${two(hour)}:${minute}:${second}${micro === '000000' ? '' : `.${micro}`}`;
  const offset = zone === undefined ? '' : zone === 'Z' ? '+00:00' : `${sign}${two(zh ?? '0')}:${zm ?? '00'}`;
  return new Moment(`${date}T${time}${offset}`, `${date} ${time}${offset}`);
}

function dateExists(date: string): boolean {
  const parsed = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date);
}
