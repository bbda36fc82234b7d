// A case is measured in pairs: ours and the peer in turn, in alternating order, on the same data and machine. What counts is
// the ratio within a pair, because what else the machine does changes between pairs.
import { measured } from './measured.mjs';

/** @returns pairs, medians, and the ratio peer / ours of every pair: above 1 ours is faster. */
export async function measurePairs({ ours, peer, before }, { pairs, folder, say }) {
  const runs = [];
  for (let index = 0; index < pairs; index++) {
    const pair = {};
    const order = index % 2 === 0 ? ['ours', 'peer'] : ['peer', 'ours'];
    for (const who of order) {
      const contestant = who === 'ours' ? ours : peer;
      if (contestant === undefined) continue;
      await before?.(who, index);
      const command = await contestant.command(index);
      pair[who] = rounded(await measured(command, folder));
      const more = await contestant.after?.(index);
      if (more !== undefined) Object.assign(pair[who], more);
    }
    if (pair.peer !== undefined) {
      pair.ratio = round(pair.peer.seconds / pair.ours.seconds, 100);
      pair.cpuRatio = round(pair.peer.cpuSeconds / Math.max(pair.ours.cpuSeconds, 0.01), 100);
    }
    say(`  ${index + 1}: ${pairLine(pair)}`);
    runs.push(pair);
  }
  return { pairs: runs, ...mediansOf(runs) };
}

function mediansOf(runs) {
  const of = (who) => {
    const all = runs.flatMap((pair) => (pair[who] === undefined ? [] : [pair[who]]));
    if (all.length === 0) return undefined;
    return Object.fromEntries(
      Object.keys(all[0]).map((figure) => [
        figure,
        figure === 'peakMiB'
          ? Math.max(...all.map((run) => run[figure]))
          : median(all.map((run) => run[figure])),
      ]),
    );
  };
  const peer = of('peer');
  return {
    ours: of('ours'),
    ...(peer !== undefined && {
      peer,
      ratio: median(runs.map(({ ratio }) => ratio)),
      cpuRatio: median(runs.map(({ cpuRatio }) => cpuRatio)),
    }),
  };
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : round((sorted[middle - 1] + sorted[middle]) / 2, 1000);
}

function pairLine({ ours, peer, ratio, cpuRatio }) {
  const one = ({ seconds, cpuSeconds, peakMiB }) => `${seconds} s (CPU ${cpuSeconds} s, ${peakMiB} MiB)`;
  return peer === undefined
    ? one(ours)
    : `ours ${one(ours)}, peer ${one(peer)}: ${ratio}x, by CPU ${cpuRatio}x`;
}

function rounded({ seconds, cpuSeconds, peakMiB }) {
  return { seconds: round(seconds, 1000), cpuSeconds: round(cpuSeconds, 100), peakMiB: round(peakMiB, 10) };
}

function round(value, steps) {
  return Math.round(value * steps) / steps;
}
