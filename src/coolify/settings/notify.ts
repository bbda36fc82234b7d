import { StateError } from '../../core/errors.js';
import type { NotifySettings } from '../../notify/notifier.js';
import type { Settings } from './settings.js';

/**
 * Who is told of the runs of a host.
 * @throws StateError `settings.mail` when mail is wanted and something to send it is missing
 */
export function notifySettingsOf(settings: Settings, host: string): NotifySettings {
  const topic = settings.ntfyUrl.value;
  return {
    hooks: {
      before: settings.hookBefore.value,
      after: settings.hookAfter.value,
      failure: settings.hookFailure.value,
    },
    pingUrl: settings.pingUrl.value,
    webhookUrl: settings.webhookUrl.value,
    ntfy: topic === undefined ? undefined : { topic, token: settings.ntfyToken.value },
    mail: mailOf(settings, host),
    people: settings.notifyOn.value,
  };
}

function mailOf({ smtpUrl, mailFrom, mailTo }: Settings, host: string): NotifySettings['mail'] {
  const [server, from, to] = [smtpUrl.value, mailFrom.value, mailTo.value];
  if (to.length === 0) return undefined;
  if (server !== undefined && from !== undefined) return { server, from, to };
  throw new StateError({
    kind: 'usage',
    code: 'settings.mail',
    what: `${mailTo.name} is set, and ${server === undefined ? smtpUrl.name : mailFrom.name} is not`,
    next: `set ${smtpUrl.name} and ${mailFrom.name}, or leave out ${mailTo.name}`,
    host,
  });
}
