import stringWidth from 'string-width';
import type { Style } from './style.js';

/** Text cut to so many columns, with a mark where something is missing. Must hold no escape sequence. */
export function cut(text: string, columns: number, { unicode }: Style): string {
  if (stringWidth(text) <= columns) return text;
  const end = unicode ? '…' : '~';
  if (columns < 1) return '';
  let kept = '';
  let width = 1;
  for (const { segment } of GRAPHEMES.segment(text)) {
    width += stringWidth(segment);
    if (width > columns) break;
    kept += segment;
  }
  return kept + end;
}

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
