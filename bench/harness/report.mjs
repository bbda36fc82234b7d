// Keeps what was measured: bench/results.json, and from it the tables in docs/performance.md, between marks that say which.
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { PROJECT } from './lab.mjs';

const RESULTS = join(PROJECT, 'bench/results.json');
const PAGE = join(PROJECT, 'docs/performance.md');

export function machine() {
  return {
    date: new Date().toISOString(),
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryMiB: Math.round(totalmem() / 1024 ** 2),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
}

/** Puts one part into the results and leaves the others as they are. A case that was measured again replaces its former self. */
export async function keepResults(part, { about, results }) {
  const all = JSON.parse(await readFile(RESULTS, 'utf8').catch(() => '{}'));
  const former = all[part]?.results ?? [];
  const { date, load, node } = about;
  const stamped = results.map((result) => ({ ...result, date, node, ...(load !== undefined && { load }) }));
  const names = new Set(stamped.map(({ name }) => name));
  const kept = former.filter(({ name }) => !names.has(name));
  const next = { ...all, [part]: { about, results: [...kept, ...stamped] } };
  await writeFile(RESULTS, `${JSON.stringify(next, undefined, 2)}\n`);
  return next;
}

/** One line on a case, for whoever watches. */
export function verdict({ ours, peer, ratio, cpuRatio, target, limitSeconds }) {
  const reached =
    target !== undefined
      ? `, target ${target}x: ${ratio >= target ? 'reached' : 'NOT reached'}`
      : limitSeconds !== undefined
        ? `, limit ${limitSeconds} s: ${ours.seconds <= limitSeconds ? 'reached' : 'NOT reached'}`
        : '';
  if (peer === undefined) return `median ${ours.seconds} s${reached}`;
  return `medians ${ours.seconds} s and ${peer.seconds} s, ratio ${ratio}x (by CPU ${cpuRatio}x)${reached}`;
}

export async function writeTables({ comparisons, memory }) {
  let page = await readFile(PAGE, 'utf8');
  if (comparisons !== undefined) page = replaced(page, 'comparisons', comparisonTable(comparisons));
  if (memory !== undefined) page = replaced(page, 'memory', memoryTable(memory));
  await writeFile(PAGE, page);
}

function replaced(page, name, table) {
  const [begin, end] = [`<!-- ${name}: made by make bench -->`, `<!-- end of ${name} -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/performance.md has no place for ${name}`);
  return `${page.slice(0, from)}${begin}\n\n${table}\n\n${page.slice(to)}`;
}

function comparisonTable({ about, results }) {
  const rows = results.map((result) => {
    const { title, against = '', ours, peer, pairs, ratio, target, limitSeconds } = result;
    const ratios = pairs.flatMap((pair) => (pair.ratio === undefined ? [] : [pair.ratio]));
    const reached = target === undefined ? ours.seconds <= limitSeconds : ratio >= target;
    const goal =
      target === undefined ? (limitSeconds === undefined ? '' : `${limitSeconds} s`) : `${target}x`;
    const elsewhere =
      result.node === undefined || result.node === about.node ? '' : `, Node ${result.node.slice(1)}`;
    return [
      title + elsewhere,
      against,
      result.mebibytes ?? '',
      ours.seconds,
      peer?.seconds ?? '',
      ratio === undefined ? '' : `**${ratio}** (${Math.min(...ratios)}-${Math.max(...ratios)})`,
      result.cpuRatio ?? '',
      pairs.length,
      result.load?.toFixed(0) ?? '',
      peer === undefined ? ours.peakMiB : `${ours.peakMiB} / ${peer.peakMiB}`,
      goal === '' ? '' : `${goal}: ${reached ? 'yes' : 'no'}`,
    ];
  });
  const heads = [
    '',
    'against',
    'MiB',
    'ours, s',
    'peer, s',
    'ratio (pairs)',
    'by CPU',
    'pairs',
    'load',
    'RSS, MiB',
    'target',
  ];
  return [
    `${about.date.slice(0, 10)}, ${about.processor}, ${about.cores} cores, Node ${about.node.slice(1)}, ${about.platform}; ` +
      `medians; the number of pairs and the load of the machine (of five minutes; ${about.cores} would be busy) stand in each row. ` +
      `Peers: ${Object.values(about.versions).join('; ')}.`,
    markdown(heads, rows),
  ].join('\n\n');
}

function memoryTable({ about, results }) {
  const rows = results.map(({ what, dumpMiB, snapshotMiB, seconds, megabytesPerSecond, peakMiB }) => [
    what,
    dumpMiB,
    snapshotMiB,
    seconds,
    megabytesPerSecond,
    peakMiB,
  ]);
  const heads = ['run', 'dump, MiB', 'snapshot, MiB', 'seconds', 'MB/s of the dump', 'peak RSS, MiB'];
  return `${about.date.slice(0, 10)}, ${about.cores} cores, Node ${about.node.slice(1)}.\n\n${markdown(heads, rows)}`;
}

function markdown(heads, rows) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}
