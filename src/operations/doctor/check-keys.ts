import { identitiesFromFile } from '../../archive/identities.js';
import { recipientsFrom } from '../../archive/recipient-sources.js';
import { recipientsFromFile } from '../../archive/recipients.js';
import { asStateError, StateError } from '../../core/errors.js';
import { bad, type Finding, fine, skipped, warning } from '../hosts/finding.js';
import type { HostConfig } from '../hosts/host-config.js';
import { withTilde } from '../init/place.js';

/** Whom snapshots are encrypted to, and whether this machine could open them. Nobody is asked for a passphrase. */
export async function checkKeys({
  recipients,
  identityPath,
}: Pick<HostConfig, 'recipients' | 'identityPath'>): Promise<readonly Finding[]> {
  let fingerprints: string[];
  try {
    fingerprints = (await recipientsFrom(recipients)).map(({ fingerprint }) => fingerprint);
  } catch (error) {
    return [
      bad('keys.recipients', asStateError(error, 'The encryption key could not be read')),
      skipped('keys.identity', 'whether this machine can open snapshots is not known without it'),
    ];
  }
  return [
    fine('keys.recipients', `snapshots are encrypted to ${fingerprints.join(', ')}`),
    await identityFinding(identityPath, fingerprints),
  ];
}

async function identityFinding(path: string, recipients: readonly string[]): Promise<Finding> {
  const shown = withTilde(path);
  try {
    const identities = await identitiesFromFile(path);
    return opens(
      shown,
      identities.map(({ fingerprint }) => fingerprint),
      recipients,
      '',
    );
  } catch (thrown) {
    const error = asStateError(thrown, 'The private key could not be read');
    if (error.code === 'key-file.missing') {
      return warning(
        'keys.identity',
        `there is no ${shown}: this machine can back up, and can neither restore nor look into snapshots`,
        'that is as it should be on a machine that only backs up; else bring the key here, or name it with coolify_backup_identity_path',
      );
    }
    if (error.code !== 'identity.passphrase-needed') return bad('keys.identity', error);
    // The public half of a protected key can be read all the same, but for old formats.
    const half = await recipientsFromFile(path).catch(() => []);
    if (half.length === 0)
      return skipped('keys.identity', `${shown} is protected by a passphrase, so it was not tried`);
    return opens(
      shown,
      half.map(({ fingerprint }) => fingerprint),
      recipients,
      ', with its passphrase',
    );
  }
}

function opens(
  shown: string,
  identities: readonly string[],
  recipients: readonly string[],
  how: string,
): Finding {
  if (identities.some((fingerprint) => recipients.includes(fingerprint)))
    return fine('keys.identity', `${shown} opens them${how}`);
  return bad(
    'keys.identity',
    new StateError({
      kind: 'usage',
      code: 'keys.identity-other',
      what: `${shown} does not open what is encrypted to these keys`,
      why: `it is ${identities.join(', ')}`,
      next: 'name the right private key with coolify_backup_identity_path',
    }),
  );
}
