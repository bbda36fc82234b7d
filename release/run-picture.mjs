// The capture of a terminal, with the sequences for colors, as a picture whose text can be selected:
//   tmux capture-pane -p -e | node release/run-picture.mjs COLUMNS >docs/run.svg
import { text } from 'node:stream/consumers';

const ESCAPE = '\u001b';
const COLUMN = 8.4;
const ROW = 19;
const MARGIN = 16;

const STYLE = `
  .paper { fill: #ffffff; stroke: #d0d7de }
  text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; fill: #1f2328; white-space: pre }
  .strong { font-weight: 700 }
  .faint { fill: #6e7781 }
  .red { fill: #cf222e }
  .green { fill: #1a7f37 }
  .yellow { fill: #9a6700 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; stroke: #30363d }
    text { fill: #e6edf3 }
    .faint { fill: #8b949e }
    .red { fill: #ff7b72 }
    .green { fill: #3fb950 }
    .yellow { fill: #d29922 }
  }
`;

const CLASSES = new Map([
  [1, 'strong'],
  [2, 'faint'],
  [31, 'red'],
  [32, 'green'],
  [33, 'yellow'],
]);

const columns = Number(process.argv[2] ?? 100);
const lines = (await text(process.stdin)).trimEnd().split('\n');
process.stdout.write(pictureOf(lines, columns));

function pictureOf(rows, width) {
  const height = rows.length * ROW + 2 * MARGIN;
  const across = Math.ceil(width * COLUMN + 2 * MARGIN);
  let style = new Set();
  const drawn = rows.flatMap((row, index) => {
    const [parts, after] = partsOf(row, style);
    style = after;
    const y = MARGIN + (index + 0.75) * ROW;
    return parts.length === 0
      ? []
      : [`  <text x="${MARGIN}" y="${y}" xml:space="preserve">${parts.join('')}</text>`];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${across} ${height}" width="${across}" height="${height}" role="img" aria-labelledby="title">`,
    '  <title id="title">A run of coolify-state in a terminal</title>',
    `  <style>${STYLE}  </style>`,
    `  <rect class="paper" x="0.5" y="0.5" width="${across - 1}" height="${height - 1}" rx="8"/>`,
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

/** The pieces of a line, each with the look that was chosen before it, and the look at its end. */
function partsOf(row, before) {
  const style = new Set(before);
  const [first = '', ...others] = row.split(`${ESCAPE}[`);
  const parts = first === '' ? [] : [spanOf(first, style)];
  for (const other of others) {
    const [, codes = '', piece = ''] = /^([\d;]*)m(.*)$/s.exec(other) ?? [];
    for (const code of codes.split(';')) look(style, Number(code));
    if (piece !== '') parts.push(spanOf(piece, style));
  }
  return [parts, style];
}

function look(style, code) {
  const ended = { 0: [...style], 22: ['strong', 'faint'], 39: ['red', 'green', 'yellow'] }[code] ?? [];
  for (const name of ended) style.delete(name);
  const begun = CLASSES.get(code);
  if (begun !== undefined) style.add(begun);
}

function spanOf(piece, style) {
  const shown = piece.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return style.size === 0 ? shown : `<tspan class="${[...style].join(' ')}">${shown}</tspan>`;
}
