// How modules of this project become the few small files that are published. Nothing of others is bundled in: their packages stay
// dependencies, which an audit sees.
import { rolldown } from 'rolldown';

/** `input`: the files to begin from, by the name of what becomes of them in `target`. */
export async function bundle(input, target, plugins = []) {
  const build = await rolldown({
    input,
    plugins,
    external: (id) => !/^(?:[./]|[A-Za-z]:)/.test(id),
    platform: 'node',
    checks: { ineffectiveDynamicImport: false },
  });
  // Nothing of others is in it, whose notices would have to stay; marks for bundlers are of no use any more.
  const small = { minify: true, comments: false };
  await build.write({ dir: target, format: 'esm', ...small, chunkFileNames: '[name].js' });
  await build.close();
}
