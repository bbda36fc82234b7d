import { printable } from '../../core/terminal-text.js';

/** A piece of HTML or SVG: text that was made safe, and tags of our own. */
export class Markup {
  constructor(readonly text: string) {}
}

/** What stands between tags: markup as it is, everything else as text. */
export type Content = Markup | string | number | readonly Content[];

/**
 * HTML by a template: whatever is put in is text, unless it is markup already. In attributes too, which are written in double
 * quotes.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(
    parts.reduce((text, part, index) => `${text}${rendered(values[index - 1] ?? '')}${part}`),
  );
}

function rendered(content: Content): string {
  if (content instanceof Markup) return content.text;
  if (typeof content === 'object') return content.map(rendered).join('');
  return printable(String(content))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
