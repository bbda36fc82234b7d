// Makes the folder that is published: the program in few small files, the types of the library, the manual page.
//
//   node release/package.mjs FOLDER && npm pack FOLDER
//
// `make build` compiles file by file for this project itself. The package is bundled instead: it is a third of the size, and
// starts faster. Nothing of others is bundled in; they stay dependencies.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bundle } from './bundle.mjs';

const PROJECT = resolve(import.meta.dirname, '..');
const COPIED = ['README.md', 'LICENSE', 'docker/drill-host'];

const folder = process.argv[2];
if (folder === undefined) throw new Error('name the folder to make');
mkdirSync(folder);
const compiled = mkdtempSync(join(tmpdir(), 'coolify-state-compiled-'));
try {
  compile(compiled);
  // All files stand side by side: the program finds its package one folder up.
  const input = { main: join(compiled, 'cli/main.js'), index: join(compiled, 'index.js') };
  await bundle(input, join(folder, 'dist'));
  types(compiled, join(folder, 'dist'));
} finally {
  rmSync(compiled, { recursive: true, force: true });
}
for (const name of COPIED) cpSync(join(PROJECT, name), join(folder, name), { recursive: true });
description(folder);

/** TypeScript to what the oldest Node of this project understands. */
function compile(target) {
  const options = ['-p', 'tsconfig.build.json', '--outDir', target];
  execFileSync(process.execPath, [join(PROJECT, 'node_modules/typescript/bin/tsc'), ...options], {
    cwd: PROJECT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

/** The declarations that the library's own leads to; with comments where a user of it looks. */
function types(source, target) {
  const wanted = ['index.d.ts'];
  // So many of the first are exported by the library itself.
  let published;
  for (const [index, name] of wanted.entries()) {
    const declared = readFileSync(join(source, name), 'utf8');
    const text =
      published === undefined || index <= published ? narrow(declared) : importedOnce(bare(declared));
    mkdirSync(dirname(join(target, name)), { recursive: true });
    writeFileSync(join(target, name), text);
    for (const [, path] of text.matchAll(/(?:from |import\()["'](\.[^"']+)\.js["']/g)) {
      const next = normalize(join(dirname(name), `${path}.d.ts`));
      if (!wanted.includes(next)) wanted.push(next);
    }
    published ??= wanted.length - 1;
  }
}

/** Indented by one space; the compiler takes four. */
function narrow(text) {
  return text.replace(/^(?: {4})+/gm, (indent) => ' '.repeat(indent.length / 4));
}

/** What is imported where it is named, many times over, is imported once. */
function importedOnce(text) {
  const lines = new Set();
  const named = text.replace(/\bimport\("([^"]+)"\)\.(\w+)/g, (_all, path, name) => {
    lines.add(`import type { ${name} } from '${path}';\n`);
    return name;
  });
  return [...lines].filter((line) => !text.includes(line)).join('') + named;
}

/**
 * A declaration that only others lead to: without comments, indentation, functions, which no type is made of, and what only
 * these import.
 */
function bare(text) {
  const types = text
    .replace(/^ *\/\*\*[\s\S]*?\*\/\n/gm, '')
    .replace(/^export declare function [\s\S]*?;\n(?![\s})\]])/gm, '')
    .replace(/^ +/gm, '');
  return types.replace(/^import (?:type )?\{ ([^}]*) \} from [^;]*;\n/gm, (statement, names) => {
    const rest = types.replace(statement, '');
    const isUsed = (name) =>
      new RegExp(
        `\\b${name
          .replace(/^type /, '')
          .split(' as ')
          .pop()}\\b`,
      ).test(rest);
    const used = names.split(', ').filter(isUsed);
    return used.length === 0 ? '' : statement.replace(names, used.join(', '));
  });
}

/** The manual page takes less than a fifth of its size as man(1) reads it too. */
function manual(target) {
  const page = 'docs/man/coolify-state.1';
  mkdirSync(join(target, dirname(page)), { recursive: true });
  writeFileSync(join(target, `${page}.gz`), gzipSync(readFileSync(join(PROJECT, page)), { level: 9 }));
  return `${page}.gz`;
}

function description(target) {
  const { devDependencies, scripts, allowScripts, files, ...own } = JSON.parse(
    readFileSync(join(PROJECT, 'package.json'), 'utf8'),
  );
  const more = { bin: { [own.name]: 'dist/main.js' }, man: [manual(target)] };
  writeFileSync(join(target, 'package.json'), `${JSON.stringify({ ...own, ...more }, null, 2)}\n`);
}
