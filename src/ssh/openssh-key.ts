import { readOpenSshEnvelope } from '../core/openssh-envelope.js';
import { WireReader } from '../core/ssh-wire.js';

/**
 * The public half that an OpenSSH private key file carries in the clear even when it is encrypted, as a line of an
 * authorized_keys file. Undefined when the file is of another kind.
 */
export function openSshPublicBlob(content: Buffer): string | undefined {
  const blob = readOpenSshEnvelope(content.toString('latin1'))?.publicBlob;
  const type = blob && new WireReader(blob).text();
  return blob === undefined || type === undefined ? undefined : `${type} ${blob.toString('base64')}`;
}
