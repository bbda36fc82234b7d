/** A length of time as restic writes it: `1y5m7d2h`. Years and months are those of the calendar, in UTC. */
export interface Span {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

const UNITS = { y: 'years', m: 'months', d: 'days', h: 'hours' } as const;

/**
 * Reads `1y5m7d2h`: each unit at most once, in any order. Undefined for everything else; unlike restic also for a
 * negative number, which would mean "newer than the newest".
 */
export function parseSpan(text: string): Span | undefined {
  const span = { years: 0, months: 0, days: 0, hours: 0 };
  const seen = new Set<string>();
  const parts = [...text.trim().matchAll(/(\d{1,5})([ymdh])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text.trim()) return undefined;
  for (const [, count = '', letter = ''] of parts) {
    if (!isUnit(letter) || seen.has(letter)) return undefined;
    seen.add(letter);
    span[UNITS[letter]] = Number(count);
  }
  return span;
}

/** The same text for the same span, as restic prints it: largest unit first, no zeros. */
export function showSpan({ years, months, days, hours }: Span): string {
  const parts = [
    [years, 'y'],
    [months, 'm'],
    [days, 'd'],
    [hours, 'h'],
  ] as const;
  const text = parts.map(([count, unit]) => (count === 0 ? '' : `${count}${unit}`)).join('');
  return text === '' ? '0h' : text;
}

/** Whether a value of whatever kind is a span. */
export function isSpan(value: unknown): value is Span {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(UNITS).every(
      (unit) => typeof Object.getOwnPropertyDescriptor(value, unit)?.value === 'number',
    )
  );
}

export function isZero({ years, months, days, hours }: Span): boolean {
  return years === 0 && months === 0 && days === 0 && hours === 0;
}

/**
 * The moment that lies so long before or after another, in milliseconds; `-Infinity` or `Infinity` beyond what a date can
 * hold. A day that the month does not have runs over into the next one, as in Go: a month before the 31st of March is the
 * 3rd of March (the 2nd in a leap year).
 */
export function shifted(time: Date, span: Span, direction: 'before' | 'after'): number {
  const sign = direction === 'before' ? -1 : 1;
  const moved = new Date(time);
  moved.setUTCFullYear(
    time.getUTCFullYear() + sign * span.years,
    time.getUTCMonth() + sign * span.months,
    time.getUTCDate() + sign * span.days,
  );
  const at = moved.getTime() + sign * span.hours * 3_600_000;
  return Number.isNaN(at) ? sign * Number.POSITIVE_INFINITY : at;
}

function isUnit(letter: string): letter is keyof typeof UNITS {
  return letter in UNITS;
}
