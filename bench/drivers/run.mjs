// node run.mjs NAME ...: a driver, as the program runs a command: what has to be set first is set, then its modules are loaded.
import { keepCompiledCode } from '../../dist/cli/compiled-code.js';
import { fitHeapToStreams } from '../../dist/cli/heap.js';

fitHeapToStreams();
await keepCompiledCode();
const [name] = process.argv.splice(2, 1);
await import(`./${name}.js`);
