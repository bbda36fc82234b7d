import { messageOf, StateError } from '../core/errors.js';
import type { Secret } from '../core/secret.js';
import { type News, textOf, titleOf } from './news.js';
import { hostOf } from './send.js';

export interface MailSettings {
  /** `smtp://` or `smtps://`, with user and password if the server wants them. */
  readonly server: Secret;
  readonly from: string;
  readonly to: readonly string[];
}

const BODY_LIMIT = 200_000;
const TIMEOUT_MS = 20_000;

/** A mail by SMTP. @throws StateError `notify.not-delivered` */
export async function sendMail({ server, from, to }: MailSettings, news: News): Promise<void> {
  // Loaded here because few runs send mail.
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    url: server.reveal(),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    // Nothing of the message is read from files or addresses.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({
      from,
      to: [...to],
      subject: titleOf(news),
      text: textOf(news, BODY_LIMIT),
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
  } catch (error) {
    throw new StateError({
      kind: 'failed',
      code: 'notify.not-delivered',
      what: `${hostOf(server)} did not take the mail`,
      why: withoutSecret(messageOf(error), server),
      next: 'check coolify_smtp_url and the addresses; the run itself is not affected',
    });
  } finally {
    transport.close();
  }
}

/** A server may repeat what it was told. */
function withoutSecret(text: string, server: Secret): string {
  const { username, password } = new URL(server.reveal());
  return [decodeURIComponent(password), decodeURIComponent(username), password, username]
    .filter((word) => word !== '')
    .reduce((clean, word) => clean.replaceAll(word, '***'), text);
}
