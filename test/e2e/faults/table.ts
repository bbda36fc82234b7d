import { DISK_FAULTS } from './disk-faults.js';
import type { Fault } from './fault.js';
import { HOST_FAULTS } from './host-faults.js';
import { LINE_FAULTS } from './line-faults.js';
import { RUN_FAULTS } from './run-faults.js';
import { STORE_FAULTS } from './store-faults.js';

/** What can go wrong, and with which operations. Wrong clocks come last: their snapshots are dated oddly for good. */
export const FAULTS: readonly Fault[] = [
  ...LINE_FAULTS,
  ...HOST_FAULTS,
  ...DISK_FAULTS,
  ...STORE_FAULTS,
  ...RUN_FAULTS,
];
