// Loaded into the program under test by NODE_OPTIONS=--import: writes down every change that it makes to files below
// FAULTS_ROOT, in order, with what was synced; or kills it, as `kill -9` does, right before the FAULTS_KILL-th of them. With
// FAULTS_STEP, only those of that name are counted, and with FAULTS_FROM, an expression, only from the first whose path it fits: how
// many pieces a file is written in depends on the network.
import fs, {
  appendFileSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  promises,
  readdirSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join, resolve } from 'node:path';

const root = process.env.FAULTS_ROOT ?? '/nowhere';
const log = process.env.FAULTS_LOG;
const kill = Number(process.env.FAULTS_KILL ?? 0);
const step = process.env.FAULTS_STEP;
const from = process.env.FAULTS_FROM === undefined ? undefined : new RegExp(process.env.FAULTS_FROM);
const blobs = `${log}.blobs`;
if (log !== undefined) mkdirSync(blobs, { recursive: true });

let begun = 0;
let counted = 0;
let counts = from === undefined;
let logged = 0;
let files = 0;
const inside = (path) => {
  const full = resolve(String(path));
  return full === root || full.startsWith(`${root}/`) ? full : undefined;
};

/** A change is about to be made. Gives what tells it from others: its number, and a name that it has in every run. */
function begin(op, path) {
  const known = path
    .slice(root.length)
    .replace(/[0-9a-f]{8}[0-9a-f-]*/g, '*')
    .replace(/\d+/g, '#');
  const name = `${op} ${known}`;
  counts ||= from.test(path);
  begun += 1;
  if (counts && (step === undefined || step === name)) {
    counted += 1;
    if (counted === kill) process.kill(process.pid, 'SIGKILL');
  }
  return { number: begun, name };
}
/** It was made. */
function done(entry, step) {
  logged += 1;
  if (log !== undefined) appendFileSync(log, `${JSON.stringify({ ...entry, step })}\n`);
}

/**
 * A call on paths, all of which lie inside or the call is none of ours. It is made and written down in one go: of calls that
 * are under way together nobody could tell which was first.
 */
function wrap(name, entriesOf, paths = 1) {
  const original = promises[name];
  promises[name] = async (...args) => {
    const places = args.slice(0, paths).map(inside);
    if (places.some((place) => place === undefined)) return original(...args);
    const entries = entriesOf(places, args);
    if (entries.length === 0) return original(...args);
    const step = begin(name, places.at(-1));
    const result = fs[`${name}Sync`](...args);
    for (const entry of entries) done(entry, step);
    return result;
  };
}

wrap('mkdir', ([path], [, options]) =>
  missing(path, options?.recursive === true).map((folder) => ({ op: 'mkdir', path: folder })),
);
wrap('rename', ([from, to]) => [{ op: 'rename', from, to }], 2);
wrap('link', ([from, to]) => [{ op: 'link', from, to }], 2);
wrap('unlink', ([path]) => [{ op: 'remove', path }]);
wrap('rmdir', ([path]) => [{ op: 'remove', path }]);
wrap('rm', ([path]) => below(path).map((one) => ({ op: 'remove', path: one })));

function missing(path, recursive) {
  if (existsSync(path)) return [];
  return recursive ? [...missing(dirname(path), true), path] : [path];
}

/** What a removal takes away, in its order. */
function below(path) {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (facts === undefined) return [];
  if (!facts.isDirectory()) return [path];
  return [...readdirSync(path).flatMap((name) => below(join(path, name))), path];
}

const handles = new WeakMap();
const originalOpen = promises.open;
promises.open = async (path, flags = 'r', ...rest) => {
  const place = inside(path);
  if (place === undefined) return originalOpen(path, flags, ...rest);
  const isNew = !existsSync(place);
  const step = isNew ? begin('create', place) : undefined;
  const handle = await originalOpen(path, flags, ...rest);
  const id = isNew ? ++files : undefined;
  handles.set(handle, { place, id });
  if (!isNew) return handle;
  done({ op: 'create', path: place, id }, step);
  const close = handle.close;
  handle.close = async () => {
    // The file may have another name by now, or none: it is reached by its number. A second close has nothing to copy.
    if (log !== undefined && handle.fd >= 0)
      copyFileSync(`/proc/self/fd/${handle.fd}`, join(blobs, String(id)));
    return close.call(handle);
  };
  return handle;
};

const sample = await originalOpen('/dev/null');
const handle = Object.getPrototypeOf(sample);
await sample.close();

for (const name of ['write', 'writev']) {
  const write = handle[name];
  handle[name] = async function (...args) {
    const known = handles.get(this);
    if (known?.id === undefined) return write.apply(this, args);
    const step = begin('write', known.place);
    const result = await write.apply(this, args);
    done({ op: 'write', id: known.id, bytes: result.bytesWritten }, step);
    return result;
  };
}
const writeFile = handle.writeFile;
handle.writeFile = async function (content, ...rest) {
  const known = handles.get(this);
  if (known?.id === undefined) return writeFile.call(this, content, ...rest);
  const step = begin('write', known.place);
  await writeFile.call(this, content, ...rest);
  done({ op: 'write', id: known.id, bytes: Buffer.byteLength(content) }, step);
};
for (const name of ['sync', 'datasync']) {
  const original = handle[name];
  handle[name] = async function () {
    const known = handles.get(this);
    if (known === undefined) return original.call(this);
    const step = begin('sync', known.place);
    const before = logged;
    await original.call(this);
    done(
      known.id === undefined
        ? { op: 'sync-folder', path: known.place, before }
        : { op: 'sync', id: known.id },
      step,
    );
  };
}
const originalWriteFile = promises.writeFile;
// What is written in one call without a handle of ours: open, write, close.
promises.writeFile = async (path, content, options) => {
  if (typeof path !== 'string' || inside(path) === undefined)
    return originalWriteFile(path, content, options);
  const flag = (typeof options === 'object' ? options?.flag : undefined) ?? 'w';
  const file = await promises.open(path, flag, typeof options === 'object' ? options?.mode : undefined);
  try {
    await file.writeFile(content);
  } finally {
    await file.close();
  }
};
syncBuiltinESMExports();
