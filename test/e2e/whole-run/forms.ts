/** A secret that stands in an output need not stand there as it is: the texts by which it is found all the same. */
export function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const encoded = ALIGNMENTS.map((before) => base64Within(bytes, before));
  const all = [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    bytes.toString('hex'),
    ...encoded,
    ...encoded.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ];
  return [...new Set(all)].filter((text) => text.length >= SHORTEST);
}

/** Shorter texts are met by chance. */
const SHORTEST = 12;

/** In base64, what a text becomes depends on how many bytes stand before it. */
const ALIGNMENTS = [0, 1, 2] as const;

/** The letters that are the same whatever stands before and behind. */
function base64Within(bytes: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
  return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
}
