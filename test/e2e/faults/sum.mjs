// The sum of what the files of this folder played, as they wrote it down: for the end of `make test-faults`.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const folder = join(resolve(import.meta.dirname, '../../..'), '.lab/faults');
const sum = { injected: 0, survived: 0 };
for (const name of readdirSync(folder).sort()) {
  const { injected, survived } = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  console.log(`${name.replace(/\.json$/, '').padEnd(8)} ${injected} injected, ${survived} survived`);
  sum.injected += injected;
  sum.survived += survived;
}
console.log(`faults   ${sum.injected} injected, ${sum.survived} survived`);
process.exitCode = sum.survived === sum.injected ? 0 : 1;
