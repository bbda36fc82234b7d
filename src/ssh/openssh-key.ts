/**
 * The public half that an OpenSSH private key file carries in the clear even when it is encrypted, as a line of an
 * authorized_keys file (PROTOCOL.key of OpenSSH). Undefined when the file is of another kind.
 */
export function openSshPublicBlob(content: Buffer): string | undefined {
  const base64 =
    /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----/.exec(
      content.toString('latin1'),
    )?.[1];
  if (base64 === undefined) return undefined;
  const data = Buffer.from(base64, 'base64');
  if (data.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  let rest: Buffer = data.subarray(MAGIC.length);
  const next = (): Buffer | undefined => {
    const length = rest.length >= 4 ? rest.readUInt32BE(0) : rest.length;
    if (rest.length < 4 + length) return undefined;
    const field = rest.subarray(4, 4 + length);
    rest = rest.subarray(4 + length);
    return field;
  };
  // Cipher, key derivation and its options.
  if (!next() || !next() || !next()) return undefined;
  if (rest.length < 4 || rest.readUInt32BE(0) !== 1) return undefined;
  rest = rest.subarray(4);
  const blob = next();
  if (blob === undefined || blob.length < 4) return undefined;
  const type = blob.toString('latin1', 4, 4 + blob.readUInt32BE(0));
  return `${type} ${blob.toString('base64')}`;
}

const MAGIC = 'openssh-key-v1\0';
