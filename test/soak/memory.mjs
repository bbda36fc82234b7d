/** How much more than the tenth the last backups may need, as a share of it. */
const ALLOWED = 0.1;
const TENTH = 9;

/**
 * Judges the peaks of memory of all backups that nothing disturbed, MiB. One run more or less tells nothing, as the collector of
 * garbage comes when it likes: the middle of three is taken, around the tenth and at the end.
 */
export function judgedMemory(peaks) {
  const shown = (value) => value.toFixed(0);
  if (peaks.length < TENTH + 5)
    return { ok: true, text: `peak RSS of a backup: not judged, ${peaks.length} runs are too few` };
  const tenth = middle(peaks.slice(TENTH - 1, TENTH + 2));
  const last = middle(peaks.slice(-3));
  const change = last / tenth - 1;
  const ok = change <= ALLOWED;
  const percent = `${change < 0 ? '' : '+'}${(change * 100).toFixed(1)} %`;
  return {
    ok,
    text: `peak RSS of a backup, MiB: first ${shown(peaks[0])}, tenth ${shown(tenth)}, last ${shown(last)} (${percent}, ${
      ok ? 'within' : 'NOT WITHIN'
    } 10 % of the tenth), largest ${shown(Math.max(...peaks))}, of ${peaks.length} runs`,
  };
}

function middle(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
