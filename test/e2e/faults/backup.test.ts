import { playFaults } from './matrix.js';
import { Stage } from './stage.js';

playFaults('backup', () => Stage.open('faults-backup.test', 2452));
