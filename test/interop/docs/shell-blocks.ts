/** A block of shell commands in a page. */
export interface ShellBlock {
  /** The heading that it stands under. */
  readonly heading: string;
  /** What stands behind `sh` on its fence. */
  readonly mark: string;
  readonly commands: string;
}

/** The commands in a Markdown page, in order: what stands between the fences of `sh` blocks. */
export function shellBlocks(page: string): ShellBlock[] {
  const blocks: ShellBlock[] = [];
  let heading = '';
  let open: { mark: string; lines: string[] } | undefined;
  for (const line of page.split('\n')) {
    if (open !== undefined && line === '```') {
      blocks.push({ heading, mark: open.mark, commands: `${open.lines.join('\n')}\n` });
      open = undefined;
    } else if (open !== undefined) open.lines.push(line);
    else if (line.startsWith('#')) heading = line.replace(/^#+ /, '');
    else {
      const mark = /^```sh\b ?(.*)$/.exec(line)?.[1];
      if (mark !== undefined) open = { mark, lines: [] };
    }
  }
  if (open !== undefined) throw new Error(`a block under "${heading}" has no end`);
  return blocks;
}
