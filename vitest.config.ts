import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * End-to-end tests that go deeper into what others cover too, and take minutes each. `make test` says that they are left
 * out; `make test-deep` runs them, and so does the nightly workflow.
 */
const DEEP = [
  'test/e2e/rollback.test.ts',
  'test/e2e/rollback-part.test.ts',
  'test/e2e/resume.test.ts',
  'test/e2e/installed-target.test.ts',
  'test/e2e/servers.test.ts',
  'test/e2e/repeated-backups.test.ts',
  'test/e2e/faults/restore.test.ts',
  'test/e2e/restore-faults.test.ts',
  'test/e2e/postgres/**',
  'test/e2e/repository/ceph-faults.test.ts',
  'test/e2e/container.test.ts',
  'test/e2e/cut-connection.test.ts',
  'test/e2e/fleet.test.ts',
  'test/e2e/fleet-compose.test.ts',
];
/**
 * Real daemons on a busy machine: a test that fails is tried once more, and the report says so ("retry x1"). Such a test
 * is a defect to mend. Pure logic has no second try.
 */
const RETRY = 1;
/** Has no fault that is quick enough for `make test`: `make test-faults` plays all of them. */
const FULL_MATRIX = ['test/e2e/faults/drill.test.ts'];
/** Many files wait for servers of their own: more of them at once than there are processors. Vitest would take one fewer. */
const maxWorkers = availableParallelism() + 1;
const deep = process.env['COOLIFY_STATE_E2E'] === 'deep';
const allFaults = process.env['COOLIFY_STATE_FAULTS'] === 'all';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          retry: RETRY,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'e2e',
          globalSetup: ['test/e2e/whole-run/scan.ts'],
          include: deep ? DEEP.map((path) => path.replace('**', '*.test.ts')) : ['test/e2e/**/*.test.ts'],
          exclude: deep || allFaults ? [] : [...DEEP, ...FULL_MATRIX],
          testTimeout: allFaults ? 1_800_000 : 300_000,
          hookTimeout: 300_000,
          retry: RETRY,
          // Each file has hosts of its own, with an engine in each: on a large machine, too, not more of them at once.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
