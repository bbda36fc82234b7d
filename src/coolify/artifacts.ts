import type { Artifact } from './artifact.js';
import { apiToken } from './artifacts/api-token.js';
import { appKey } from './artifacts/app-key.js';
import { authorizedKeys } from './artifacts/authorized-keys.js';
import { database } from './artifacts/database.js';
import { env } from './artifacts/env.js';
import { extraPaths } from './artifacts/extra-paths.js';
import { hostKeys } from './artifacts/host-keys.js';
import { managedKeys } from './artifacts/managed-keys.js';
import { publicKeys } from './artifacts/public-keys.js';

/**
 * Everything that is backed up, in the order in which it is pulled. An artifact can use what those before it
 * gathered. This is the only list.
 */
export const ARTIFACTS: readonly Artifact[] = [
  env,
  appKey,
  hostKeys,
  authorizedKeys,
  apiToken,
  extraPaths,
  managedKeys,
  database,
  publicKeys,
];

/** The list as a table for the documentation. */
export function artifactReference(): string {
  const rows = ARTIFACTS.map(
    ({ name, onHost, inState, required, proof }) =>
      `| \`${name}\` | ${onHost} | \`${inState}\` | ${required ? 'yes' : 'no'} | ${proof} |`,
  );
  return [
    '| artifact | on the host | in `state/<host>/` | required | proof |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}
