import type { Secret } from '../core/secret.js';
import { type News, textOf, titleOf } from './news.js';
import { send } from './send.js';

/** ntfy turns longer messages into attachments. */
const MESSAGE_LIMIT = 3500;

/** A push message by ntfy (docs.ntfy.sh, "Publishing"). @throws StateError `notify.not-delivered` */
export async function pushByNtfy(topic: Secret, token: Secret | undefined, news: News): Promise<void> {
  await send(topic, {
    headers: {
      // A header holds ASCII only; ntfy reads encoded words.
      title: `=?UTF-8?B?${Buffer.from(titleOf(news)).toString('base64')}?=`,
      priority: news.succeeded ? 'default' : 'high',
      tags: news.succeeded ? 'white_check_mark' : 'rotating_light',
      ...(token !== undefined && { authorization: `Bearer ${token.reveal()}` }),
    },
    body: textOf(news, MESSAGE_LIMIT),
  });
}
