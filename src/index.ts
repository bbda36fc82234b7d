/**
 * coolify-state as a library: the operations and their types, without the command line. Every operation takes an
 * `AbortSignal`, tells events, and returns a typed result; none prints.
 */
export { EXIT_STATUS, type FailureFacts, type FailureKind, StateError } from './core/errors.js';
export { Secret } from './core/secret.js';
export type {
  EngineEvent,
  EventSink,
  Recap,
  TaskOutcome,
  TaskProgress,
  TaskStatus,
} from './engine/events.js';
export type { HostReport } from './engine/run-host.js';
export { type BackupOptions, type BackupReport, backup } from './operations/backup/backup.js';
export { contentOf, type Wanted, wantedOf } from './operations/backup/take-files.js';
export type { UploadedSnapshot } from './operations/backup/upload.js';
export { type DoctorOptions, doctor } from './operations/doctor/doctor.js';
export { type DrillOptions, type DrillReport, drill } from './operations/drill/drill.js';
export type { Evidence } from './operations/drill/evidence.js';
export { type Finding, findingsStatus, type Verdict } from './operations/hosts/finding.js';
export type { HostConfig } from './operations/hosts/host-config.js';
export { type HostSelection, loadHosts } from './operations/hosts/load-hosts.js';
export type { PrunedPlace, PrunePlan } from './operations/prune/plan.js';
export { type PruneOptions, type PruneReport, prune } from './operations/prune/prune.js';
export {
  type RestoreJob,
  type RestoreOptions,
  type RestorePlan,
  type RestoreReport,
  restore,
} from './operations/restore/restore.js';
export { ensureToken, type TokenOptions, type TokenReport } from './operations/restore/token.js';
export { type RollbackOptions, rollback } from './operations/rollback/rollback.js';
export { type CopiedSnapshot, type CopyOptions, type CopyReport, copy } from './operations/snapshots/copy.js';
export {
  type ImportOptions,
  type ImportReport,
  importArchive,
} from './operations/snapshots/import-archive.js';
export { type HostKeys, type KeysOptions, listKeys } from './operations/snapshots/list-keys.js';
export {
  listSnapshots,
  type SnapshotLine,
  type SnapshotListing,
  type SnapshotRetention,
} from './operations/snapshots/list-snapshots.js';
export {
  type LocatedSnapshot,
  type LocateOptions,
  locateSnapshot,
} from './operations/snapshots/located-snapshot.js';
export { readFiles, readManifest } from './operations/snapshots/look-inside.js';
export {
  type RekeyedSnapshot,
  type RekeyOptions,
  type RekeyReport,
  rekey,
} from './operations/snapshots/rekey.js';
export type { SnapshotChoice } from './operations/snapshots/source.js';
export {
  type RunParts,
  runUnattended,
  type UnattendedOptions,
  type UnattendedReport,
} from './operations/unattended/unattended.js';
export type { VerifiedSnapshot } from './operations/verify/snapshot.js';
export {
  type VerifyChoice,
  type VerifyOptions,
  type VerifyReport,
  verify,
} from './operations/verify/verify.js';
export type { Proof } from './state/manifest.js';
