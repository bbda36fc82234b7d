import type { Layout } from '../coolify/layout.js';
import type { RepositorySettings } from '../repository/open.js';
import type { Endpoint } from '../ssh/endpoint.js';

/** Everything an operation needs to know of one host, read from the inventory once and checked. */
export interface HostConfig {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly layout: Layout;
  /** Generations kept on this machine, the newest included. */
  readonly keepGenerations: number;
  readonly extraPaths: readonly string[];
  /** zlib level of pg_dump; 0 leaves compression to this machine, where it runs in parallel. */
  readonly dumpCompression: number;
  /** File with the recipients of snapshots: a public key is enough. */
  readonly recipientsPath: string;
  /** File with the identity that opens snapshots. */
  readonly identityPath: string;
  /** Where snapshots go; empty when uploads are switched off. */
  readonly repositories: readonly RepositorySettings[];
}
