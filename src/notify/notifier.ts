import { asStateError, type StateError } from '../core/errors.js';
import { RUN_ID } from '../core/run-id.js';
import type { Secret } from '../core/secret.js';
import { runHook } from './hook.js';
import { type MailSettings, sendMail } from './mail.js';
import { dataOf, type News } from './news.js';
import { pushByNtfy } from './ntfy.js';
import { pingEnd, pingStart } from './ping.js';
import { send } from './send.js';

/** Who is told of the runs of a host, as its inventory says. */
export interface NotifySettings {
  readonly hooks: {
    readonly before?: string | undefined;
    readonly after?: string | undefined;
    readonly failure?: string | undefined;
  };
  /** Of healthchecks.io and those like it: told of every start and end, as it is silence that it watches for. */
  readonly pingUrl?: Secret | undefined;
  /** Gets every end as JSON. */
  readonly webhookUrl?: Secret | undefined;
  readonly ntfy?: { readonly topic: Secret; readonly token?: Secret | undefined } | undefined;
  readonly mail?: MailSettings | undefined;
  /** Whether people (ntfy, mail) hear of successes too. */
  readonly people: 'always' | 'failure';
}

export interface NotifierOptions {
  /** Told when a notification could not be delivered, which never makes a run fail. */
  readonly warn: (message: string) => void;
  readonly onLine: (line: string) => void;
}

/** Tells everybody what they asked to be told about one run of one host. */
export class Notifier {
  constructor(
    readonly host: string,
    readonly operation: string,
    readonly settings: NotifySettings,
    readonly options: NotifierOptions,
  ) {}

  /**
   * The run begins. The hook `before` may stop it.
   * @throws StateError `hook.failed`
   */
  async started(signal: AbortSignal): Promise<void> {
    const { pingUrl, hooks } = this.settings;
    if (pingUrl !== undefined) await this.#tried(() => pingStart(pingUrl));
    if (hooks.before === undefined) return;
    await runHook({
      moment: 'before',
      command: hooks.before,
      facts: { RUN: RUN_ID, HOST: this.host, OPERATION: this.operation },
      data: { type: 'coolify-state.start', run: RUN_ID, host: this.host, operation: this.operation },
      onLine: this.options.onLine,
      signal,
    });
  }

  /** The run has ended, well or not, also when it was interrupted. Never throws. */
  async finished(news: News): Promise<void> {
    const { pingUrl, webhookUrl, ntfy, mail, people } = this.settings;
    // Hooks first: what they clean up should be done when somebody is told that all is over.
    await this.#hook('after', news);
    if (!news.succeeded) await this.#hook('failure', news);
    const tell = people === 'always' || !news.succeeded;
    await Promise.all([
      pingUrl !== undefined && this.#tried(() => pingEnd(pingUrl, news)),
      webhookUrl !== undefined &&
        this.#tried(() =>
          send(webhookUrl, {
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(dataOf(news)),
          }),
        ),
      tell && ntfy !== undefined && this.#tried(() => pushByNtfy(ntfy.topic, ntfy.token, news)),
      tell && mail !== undefined && this.#tried(() => sendMail(mail, news)),
    ]);
  }

  async #hook(moment: 'after' | 'failure', news: News): Promise<void> {
    const command = this.settings.hooks[moment];
    if (command === undefined) return;
    await this.#tried(() =>
      runHook({
        moment,
        command,
        facts: {
          RUN: RUN_ID,
          HOST: news.host,
          OPERATION: news.operation,
          RESULT: news.succeeded ? 'success' : 'failure',
          EXIT_STATUS: String(news.exitStatus),
          SUMMARY: news.summary,
        },
        data: dataOf(news),
        onLine: this.options.onLine,
      }),
    );
  }

  async #tried(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.options.warn(sentenceOf(asStateError(error, 'A notification failed')));
    }
  }
}

function sentenceOf({ what, why }: StateError): string {
  return why === undefined ? what : `${what}: ${why}`;
}
