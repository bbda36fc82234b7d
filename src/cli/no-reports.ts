/**
 * Keeps Node from writing diagnostic reports, whoever has switched them on for other programs: a report holds the
 * environment, and so the credentials of S3 and passwords of vaults, in a file that others may read. Core dumps are up to the
 * limits of the process (`ulimit -c 0`; the systemd unit that `schedule` writes has `LimitCORE=0`).
 */
export function writeNoReports(): void {
  const { report } = process;
  if (report === undefined) return;
  report.reportOnFatalError = false;
  report.reportOnSignal = false;
  report.reportOnUncaughtException = false;
}
