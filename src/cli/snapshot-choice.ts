import { existsSync } from 'node:fs';
import type { SnapshotChoice } from '../operations/snapshots/source.js';

/** What `--from` names: words first, then files, then ids. */
export function choiceOf(text: string): SnapshotChoice {
  if (text === 'latest' || text === 'local') return { kind: text };
  if (/[/\\]|\.age$/.test(text) || existsSync(text)) return { kind: 'file', path: text };
  return { kind: 'id', id: text };
}
