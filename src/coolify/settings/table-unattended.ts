import { optional, required } from './setting.js';
import { BOOLEAN, LOCAL_PATH, listOf, oneOf, SECRET, SECRET_SMTP_URL, SECRET_URL, TEXT } from './types.js';

/** Runs without a person, and who is told of them. */
export const UNATTENDED_SETTINGS = {
  hookBefore: optional(TEXT, {
    section: 'Unattended',
    name: 'coolify_hook_before',
    description:
      'A command for `sh` on this machine before a `run`; when it fails, the run does not begin. See docs/unattended.md.',
  }),
  hookAfter: optional(TEXT, {
    section: 'Unattended',
    name: 'coolify_hook_after',
    description: 'A command after every `run`, whether it succeeded or not.',
  }),
  hookFailure: optional(TEXT, {
    section: 'Unattended',
    name: 'coolify_hook_failure',
    description: 'A command after a `run` that failed.',
  }),
  pingUrl: optional(SECRET_URL, {
    section: 'Unattended',
    name: 'coolify_ping_url',
    env: 'COOLIFY_STATE_PING_URL',
    description:
      'Pinged at the start and the end of a `run`, as healthchecks.io takes it: `URL/start`, `URL`, `URL/fail`.',
  }),
  webhookUrl: optional(SECRET_URL, {
    section: 'Unattended',
    name: 'coolify_webhook_url',
    env: 'COOLIFY_STATE_WEBHOOK_URL',
    description: 'Gets the report of every `run` as JSON by POST.',
  }),
  ntfyUrl: optional(SECRET_URL, {
    section: 'Unattended',
    name: 'coolify_ntfy_url',
    env: 'COOLIFY_STATE_NTFY_URL',
    description:
      'Topic of an ntfy server for push messages, such as `https://ntfy.sh/a-name-nobody-guesses`.',
  }),
  ntfyToken: optional(SECRET, {
    section: 'Unattended',
    name: 'coolify_ntfy_token',
    env: 'COOLIFY_STATE_NTFY_TOKEN',
    description: 'Access token of that server, if it wants one.',
  }),
  smtpUrl: optional(SECRET_SMTP_URL, {
    section: 'Unattended',
    name: 'coolify_smtp_url',
    env: 'COOLIFY_STATE_SMTP_URL',
    description: 'Mail server: `smtps://user:password@host:465`, or `smtp://host:587` for STARTTLS.',
  }),
  mailFrom: optional(TEXT, {
    section: 'Unattended',
    name: 'coolify_mail_from',
    description: 'Sender of mails.',
  }),
  mailTo: required(listOf(TEXT), [], {
    section: 'Unattended',
    name: 'coolify_mail_to',
    defaultText: 'nobody',
    description: 'Who gets mails.',
  }),
  notifyOn: required(oneOf('failure', 'always'), 'failure', {
    section: 'Unattended',
    name: 'coolify_notify_on',
    description: 'Whether ntfy and mail tell of successes too. Pings and webhooks always tell.',
  }),
  metricsFolder: optional(LOCAL_PATH, {
    section: 'Unattended',
    name: 'coolify_metrics_folder',
    env: 'COOLIFY_STATE_METRICS_FOLDER',
    description:
      "Folder of node_exporter's textfile collector; a `run` leaves the figures of its hosts there.",
  }),
  verifySample: required(TEXT, '10%', {
    section: 'Unattended',
    name: 'coolify_verify_sample',
    description:
      'How many of the stored snapshots a `run` verifies: a share, or a number. The newest is always among them, the others are drawn anew each time.',
  }),
  verifyReadData: required(BOOLEAN, false, {
    section: 'Unattended',
    name: 'coolify_verify_read_data',
    description: 'Whether they are decrypted and proven; the identity must be on this machine then.',
  }),
} as const;
