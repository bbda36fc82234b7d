import { type NamedRecipient, parseRecipients, recipientsFromFile } from './recipients.js';

/** Where it is said for whom archives are encrypted. */
export interface RecipientSources {
  /** Files of public keys, or private keys whose public half is meant: see `recipientsFromFile`. */
  readonly files: readonly string[];
  /** Public keys as text, one or several lines each: see `parseRecipients`. */
  readonly keys: readonly string[];
  /** What the texts are called in messages: the name of a setting. */
  readonly keysName: string;
}

/**
 * All recipients, each once, in the order in which they are named.
 *
 * @throws StateError as `recipientsFromFile`; one bad source is an error, because whoever it stands for could not open
 *   what is encrypted without it
 */
export async function recipientsFrom({ files, keys, keysName }: RecipientSources): Promise<NamedRecipient[]> {
  const found = new Map<string, NamedRecipient>();
  const add = (named: readonly NamedRecipient[]): void => {
    for (const one of named) if (!found.has(one.fingerprint)) found.set(one.fingerprint, one);
  };
  for (const file of files) add(await recipientsFromFile(file));
  for (const [index, text] of keys.entries()) add(parseRecipients(text, `${keysName}[${index}]`));
  return [...found.values()];
}
