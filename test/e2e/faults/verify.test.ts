import { playFaults } from './matrix.js';
import { Stage } from './stage.js';

// Neither talks to the host: there is no line to break, and nothing on the host that could be in the way.
for (const operation of ['verify', 'prune'] as const)
  playFaults(operation, () => Stage.open('faults-stored.test', 2453));
