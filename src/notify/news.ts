import { RUN_ID } from '../core/run-id.js';

/** What a run has to tell about one host. Nothing in it is secret: it is built from reports, which hold no secrets. */
export interface News {
  readonly host: string;
  /** `run`, `drill`. */
  readonly operation: string;
  readonly succeeded: boolean;
  /** The documented exit status that this host alone would have had. */
  readonly exitStatus: number;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  /** One sentence. */
  readonly summary: string;
  /** The last lines of the run, made safe to print. */
  readonly log: readonly string[];
  /** The report as data, as in `--json`. */
  readonly report: object;
}

/** The subject of a mail, the title of a push message. */
export function titleOf({ host, operation, succeeded }: News): string {
  return `coolify-state: ${operation} of ${host} ${succeeded ? 'succeeded' : 'FAILED'}`;
}

/** The body of a mail or a push message, at most so many characters. */
export function textOf({ summary, log, startedAt, finishedAt }: News, limit: number): string {
  const times = `from ${startedAt.toISOString()} to ${finishedAt.toISOString()}`;
  const whole = [summary, times, '', ...log].join('\n');
  if (whole.length <= limit) return whole;
  const head = `${summary}\n${times}\n\n...\n`;
  const tail = log.join('\n').slice(-Math.max(0, limit - head.length));
  return `${head}${tail}`.slice(0, limit);
}

/** The news as data: what a webhook gets as its body and a hook on its standard input. */
export function dataOf(news: News): object {
  const { host, operation, succeeded, exitStatus, startedAt, finishedAt, summary, report } = news;
  return {
    type: 'coolify-state.news',
    run: RUN_ID,
    host,
    operation,
    succeeded,
    exitStatus,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    summary,
    report,
  };
}
