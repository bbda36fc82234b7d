import { isAbsolute } from 'node:path';
import type { RecipientSources } from '../../archive/recipient-sources.js';
import type { Settings } from './settings.js';

/**
 * For whom the snapshots of a host are encrypted: the encryption key, and what `coolify_backup_recipients` adds. The
 * default key counts only where nothing else was said, so that a list of recipients needs no `~/.ssh/hostuk`.
 */
export function recipientSourcesOf({
  encryptionKeyPath,
  recipients,
}: Pick<Settings, 'encryptionKeyPath' | 'recipients'>): RecipientSources {
  const listed = recipients.value;
  const usesKey = listed.length === 0 || encryptionKeyPath.source.kind !== 'default';
  return {
    files: [...(usesKey ? [encryptionKeyPath.value] : []), ...listed.filter(isAbsolute)],
    keys: listed.filter((text) => !isAbsolute(text)),
    keysName: recipients.name,
  };
}
