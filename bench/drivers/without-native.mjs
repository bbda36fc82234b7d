// Preloaded into a process of ours: compiled addons cannot be loaded, as after an installation without a compiler.
import { createRequire } from 'node:module';

const { _extensions: loaders } = createRequire(import.meta.url)('node:module');
loaders['.node'] = (_module, file) => {
  throw new Error(`${file} was not built`);
};
