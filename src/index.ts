/**
 * coolify-state as a library: the operations and their types, without the command line. Every operation takes an
 * `AbortSignal`, tells events, and returns a typed result; none prints.
 */
export { EXIT_STATUS, type FailureFacts, type FailureKind, StateError } from './core/errors.js';
export { Secret } from './core/secret.js';
export type { EngineEvent, EventSink, Recap, TaskOutcome, TaskStatus } from './engine/events.js';
export type { HostReport } from './engine/run-host.js';
export { type BackupOptions, type BackupReport, backup } from './operations/backup.js';
export { type CopiedSnapshot, type CopyOptions, type CopyReport, copy } from './operations/copy.js';
export { type DoctorOptions, doctor } from './operations/doctor.js';
export { type DrillOptions, type DrillReport, drill } from './operations/drill.js';
export type { Evidence } from './operations/drill-evidence.js';
export { type Finding, findingsStatus, type Verdict } from './operations/finding.js';
export type { HostConfig } from './operations/host-config.js';
export { type ImportOptions, type ImportReport, importArchive } from './operations/import-archive.js';
export { type HostKeys, type KeysOptions, listKeys } from './operations/list-keys.js';
export {
  listSnapshots,
  type SnapshotLine,
  type SnapshotListing,
  type SnapshotRetention,
} from './operations/list-snapshots.js';
export { type HostSelection, loadHosts } from './operations/load-hosts.js';
export { type LocatedSnapshot, type LocateOptions, locateSnapshot } from './operations/located-snapshot.js';
export { readFiles, readManifest } from './operations/look-inside.js';
export { type PruneOptions, type PruneReport, prune } from './operations/prune.js';
export type { PrunedPlace, PrunePlan } from './operations/prune-plan.js';
export { type RekeyedSnapshot, type RekeyOptions, type RekeyReport, rekey } from './operations/rekey.js';
export {
  type RestoreJob,
  type RestoreOptions,
  type RestorePlan,
  type RestoreReport,
  restore,
} from './operations/restore.js';
export { type RollbackOptions, rollback } from './operations/rollback.js';
export type { SnapshotChoice } from './operations/snapshot-source.js';
export { contentOf, type Wanted, wantedOf } from './operations/take-files.js';
export { ensureToken, type TokenOptions, type TokenReport } from './operations/token.js';
export {
  type RunParts,
  runUnattended,
  type UnattendedOptions,
  type UnattendedReport,
} from './operations/unattended.js';
export type { UploadedSnapshot } from './operations/upload.js';
export { type VerifyChoice, type VerifyOptions, type VerifyReport, verify } from './operations/verify.js';
export type { VerifiedSnapshot } from './operations/verify-snapshot.js';
export type { Proof } from './state/manifest.js';
