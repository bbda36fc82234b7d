import { playFaults } from './matrix.js';
import { Stage } from './stage.js';

playFaults('restore', () => Stage.open('faults-restore.test', 2454, { reads: 's3' }));
