/** A program that stands in a page, behind a comment with its name. */
export interface Example {
  readonly name: string;
  readonly text: string;
}

/** The programs of a Markdown page. */
export function examplesIn(page: string): Example[] {
  const found = page.matchAll(/^<!-- example: (\S+) -->\n```js\n([\s\S]*?)^```$/gm);
  const examples = [...found].map(([, name = '', text = '']) => ({ name, text }));
  if (examples.length === 0) throw new Error('the page has no examples');
  return examples;
}
