import type { Compression } from '../../archive/compression.js';
import type { RecipientSources } from '../../archive/recipient-sources.js';
import type { Layout } from '../../coolify/layout.js';
import type { FleetSettings } from '../../coolify/settings/fleet.js';
import type { RepositorySettings } from '../../repository/open.js';
import type { KeepPolicy } from '../../repository/retention/keep-policy.js';
import type { Endpoint } from '../../ssh/endpoint.js';
import type { DrillSettings } from '../drill/settings.js';
import type { UnattendedSettings } from '../unattended/settings.js';

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
  /** How snapshots are compressed before they are encrypted. */
  readonly compression: Compression;
  /** File with the recipients of snapshots: a public key is enough. */
  readonly recipients: RecipientSources;
  /** File with the identity that opens snapshots. */
  readonly identityPath: string;
  /** Where snapshots go; empty when uploads are switched off. */
  readonly repositories: readonly RepositorySettings[];
  /** Which generations and snapshots `prune` keeps. */
  readonly keep: KeepPolicy;
  /** What `run` does besides, and whom it tells. */
  readonly unattended: UnattendedSettings;
  /** How restores of the host are tried out. */
  readonly drill: DrillSettings;
  /** How the host is one of a fleet. */
  readonly fleet: FleetSettings;
}
