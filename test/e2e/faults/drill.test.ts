import { expect } from 'vitest';
import { collect } from '../lab.js';
import { playFaults } from './matrix.js';
import { Stage } from './stage.js';

playFaults('drill', async () =>
  Stage.open('faults-drill.test', 2456, {
    reads: 's3',
    vars: { coolify_drill_image: 'coolify-state-lab/host', coolify_drill_volume: await imagesVolume() },
  }),
);

/** Images for the engine inside, so that nothing has to be fetched. */
async function imagesVolume(): Promise<string> {
  const filter = ['--filter', 'name=coolify-state-lab-template-images-'];
  const { stdout } = await collect('docker', ['volume', 'ls', '-q', ...filter]);
  const [name = ''] = stdout.trim().split('\n');
  expect(name).not.toBe('');
  return name;
}
