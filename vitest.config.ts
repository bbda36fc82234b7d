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
const deep = process.env['COOLIFY_STATE_E2E'] === 'deep';
const allFaults = process.env['COOLIFY_STATE_FAULTS'] === 'all';

export default defineConfig({
  test: {
    // Most files wait for servers and hosts of their own: more of them at once than there are processors. Vitest's own choice
    // would be one fewer.
    maxWorkers: availableParallelism() + 1,
    projects: [
      {
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 30_000, hookTimeout: 30_000 },
      },
      {
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          retry: RETRY,
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
        },
      },
    ],
  },
});
