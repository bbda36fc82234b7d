/** Stretches of the calendar, in UTC: the time zone in which snapshots are named. */
export interface Period {
  /** Beginning of the period that a moment lies in. Milliseconds; the same for all moments of one period. */
  start(time: number): number;
  /** Beginning of the period so many later. */
  later(start: number, periods: number): number;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** 1970-01-05, the first Monday: weeks are those of ISO 8601. */
const FIRST_MONDAY = 4 * DAY;

export const HOURS: Period = fixed(HOUR, 0);
export const DAYS: Period = fixed(DAY, 0);
export const WEEKS: Period = fixed(7 * DAY, FIRST_MONDAY);
export const MONTHS: Period = calendar(1);
export const YEARS: Period = calendar(12);

function fixed(length: number, origin: number): Period {
  return {
    start: (time) => Math.floor((time - origin) / length) * length + origin,
    later: (start, periods) => start + periods * length,
  };
}

function calendar(months: 1 | 12): Period {
  const first = (year: number, month: number): number => {
    const date = new Date(0);
    // Not Date.UTC, which takes the years 0 to 99 for those of the last century.
    date.setUTCFullYear(year, month, 1);
    return date.getTime();
  };
  return {
    start(time) {
      const date = new Date(time);
      return first(date.getUTCFullYear(), months === 1 ? date.getUTCMonth() : 0);
    },
    later(start, periods) {
      const date = new Date(start);
      return first(date.getUTCFullYear(), date.getUTCMonth() + periods * months);
    },
  };
}
