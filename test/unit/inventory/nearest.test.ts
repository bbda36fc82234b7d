import { expect, test } from 'vitest';
import { nearestNames } from '../../../src/inventory/nearest.js';

test.each([
  ['coolify_s3_buket', ['coolify_s3_bucket', 'coolify_s3_path'], ['coolify_s3_bucket']],
  ['contorller', ['controller', 'builder'], ['controller']],
  ['web', ['web1.example.com', 'db'], ['web1.example.com']],
  ['something', ['else', 'entirely'], []],
])('%s', (wanted, names, expected) => {
  expect(nearestNames(wanted, names)).toEqual(expected);
});
