// Loaded into the program under test by NODE_OPTIONS=--import: writes down every change that it makes to files below
// FAULTS_ROOT, in order, with what was synced; or kills it, as `kill -9` does, right before the FAULTS_KILL-th of them. With
// FAULTS_FROM, an expression, they are counted from the first whose path it fits: what comes before may be cut into more or
// fewer pieces by the network.
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
const from = process.env.FAULTS_FROM === undefined ? undefined : new RegExp(process.env.FAULTS_FROM);
const blobs = `${log}.blobs`;
if (log !== undefined) mkdirSync(blobs, { recursive: true });

let begun = 0;
let counts = from === undefined;
let logged = 0;
let files = 0;
const inside = (path) => {
  const full = resolve(String(path));
  return full === root || full.startsWith(`${root}/`) ? full : undefined;
};

/** A change is about to be made. */
function begin(path = '') {
  counts ||= from.test(path);
  if (!counts) return;
  begun += 1;
  if (begun === kill) process.kill(process.pid, 'SIGKILL');
}
/** It was made. */
function done(entry) {
  logged += 1;
  if (log !== undefined) appendFileSync(log, `${JSON.stringify(entry)}\n`);
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
    begin(places.at(-1));
    const result = fs[`${name}Sync`](...args);
    for (const entry of entries) done(entry);
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
  if (isNew) begin(place);
  const handle = await originalOpen(path, flags, ...rest);
  const id = isNew ? ++files : undefined;
  handles.set(handle, { place, id });
  if (!isNew) return handle;
  done({ op: 'create', path: place, id });
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
    begin();
    const result = await write.apply(this, args);
    done({ op: 'write', id: known.id, bytes: result.bytesWritten });
    return result;
  };
}
const writeFile = handle.writeFile;
handle.writeFile = async function (content, ...rest) {
  const known = handles.get(this);
  if (known?.id === undefined) return writeFile.call(this, content, ...rest);
  begin();
  await writeFile.call(this, content, ...rest);
  done({ op: 'write', id: known.id, bytes: Buffer.byteLength(content) });
};
for (const name of ['sync', 'datasync']) {
  const original = handle[name];
  handle[name] = async function () {
    const known = handles.get(this);
    if (known === undefined) return original.call(this);
    begin();
    const before = logged;
    await original.call(this);
    done(
      known.id === undefined
        ? { op: 'sync-folder', path: known.place, before }
        : { op: 'sync', id: known.id },
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
