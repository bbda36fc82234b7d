import { Secret } from '../core/secret.js';
import { type News, textOf } from './news.js';
import { send } from './send.js';

/** What services for pings take as a body. */
const BODY_LIMIT = 10_000;

/** Tells a service in the manner of healthchecks.io that a run has begun. @throws StateError `notify.not-delivered` */
export async function pingStart(url: Secret): Promise<void> {
  await send(pingAddress(url, '/start'), {});
}

/** Tells it how the run ended, with the end of its log. @throws StateError `notify.not-delivered` */
export async function pingEnd(url: Secret, news: News): Promise<void> {
  await send(pingAddress(url, news.succeeded ? '' : '/fail'), {
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: textOf(news, BODY_LIMIT),
  });
}

/** The signal goes to the end of the path; a query stays where it is. */
function pingAddress(url: Secret, signal: string): Secret {
  const address = new URL(url.reveal());
  address.pathname = `${address.pathname.replace(/(?<!\/)\/+$/, '')}${signal}`;
  return new Secret(address.href);
}
