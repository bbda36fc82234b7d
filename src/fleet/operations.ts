/** What can be done with a host in a fleet. Stands alone: the command line names them without loading anything else. */
export const OPERATIONS = ['backup', 'verify', 'drill', 'prune'] as const;
export type FleetOperation = (typeof OPERATIONS)[number];
