import { randomBytes } from 'node:crypto';

/**
 * Of this run of the program: eight hex digits, which stand in every line of its log, in what it tells others, and in the evidence
 * that it leaves, so that they can be brought together.
 */
export const RUN_ID = randomBytes(4).toString('hex');
