import { afterEach, expect, it } from 'vitest';
import { keepMemoryPrivate } from '../../../src/cli/private-memory.js';

const { report } = process;
const { reportOnFatalError, reportOnSignal, reportOnUncaughtException } = report;

afterEach(() => {
  Object.assign(report, { reportOnFatalError, reportOnSignal, reportOnUncaughtException });
});

it('a crash leaves no report with the environment in it, also where reports were asked for', () => {
  Object.assign(report, { reportOnFatalError: true, reportOnUncaughtException: true });
  keepMemoryPrivate();
  process.removeAllListeners('SIGUSR1');
  expect([report.reportOnFatalError, report.reportOnSignal, report.reportOnUncaughtException]).toEqual([
    false,
    false,
    false,
  ]);
});
