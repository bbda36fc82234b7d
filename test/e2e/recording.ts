/** What stands on a terminal, without what is another each time: the approved recordings are compared so. */
export function withoutFigures(screen: string, place: string): string {
  return (
    screen
      .replaceAll(place, 'PLACE')
      .split('\n')
      .map((line) => line.trimEnd())
      .map((line) => line.replace(/^(\s*)[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] /u, '$1* '))
      .map((line) => FIGURES.reduce((text, [figure, name]) => text.replace(figure, name), line))
      // How much of a name is left in a narrow window depends on the figures behind it.
      .map((line) => line.replace(/^( {2}\* pull dump)[^…]*…/u, '$1…'))
      // How long a step took stands there only when that was long.
      .map((line) => line.replace(/^( {2}[✔●–✘].*), TIME$/u, '$1').replace(/(, SIZE),[\d. ]*…$/u, '$1'))
      .join('\n')
      .trimEnd()
  );
}

const FIGURES: readonly (readonly [RegExp, string])[] = [
  [/\b\d{8}T\d{6}Z-[0-9a-f]{6}\b/g, 'GENERATION'],
  [/\b\d{8}T\d{6}Z\b/g, 'MOMENT'],
  [/(\bsnapshot +|\()[0-9a-f]{8}\b/g, '$1SNAPSHOT'],
  [/\bSHA256:[A-Za-z0-9+/]{43}/g, 'SHA256:FINGERPRINT'],
  [/\b127\.0\.0\.1(?: port |:)\d+/g, '127.0.0.1 PORT'],
  [/\b(?:a few seconds|about \d+ (?:s|min|h)) left/g, 'TIME left'],
  [/\b\d+(?:\.\d+)? (?:B|[KMG]iB)\/s/g, 'SPEED'],
  [/\b\d+(?:\.\d+)? (?:B|[KMG]iB)\b/g, 'SIZE'],
  [/\b(?:\d+(?:\.\d+)? s|\d+ min \d+ s)\b/g, 'TIME'],
  [
    /\b\d+ (tables|rows|encrypted values|columns|managed keys|key files|keys|files|settings|lines)\b/g,
    'N $1',
  ],
  [/\bDebian GNU\/Linux.*(?=, TIME$|$)/g, 'SYSTEM'],
  [/(compare with the API: ).*/g, '$1...'],
  [/(image|coolify):\d+\.\d+\.\d+\S*/g, '$1:VERSION'],
];

/** Hosts that are told of one after the other, in the order of their names: which one ends first is up to them. */
export function inOrder(recording: string, hosts: readonly string[]): string {
  const lines = recording.split('\n');
  const isHead = (line: string): boolean => hosts.some((host) => line.startsWith(`${host}  TIME`));
  const begin = lines.findIndex(isHead);
  const end = lines.findIndex((line, index) => index > begin && line === '');
  if (begin < 0 || end < 0) return recording;
  const blocks: string[][] = [];
  for (const line of lines.slice(begin, end)) {
    if (isHead(line)) blocks.push([line]);
    else blocks.at(-1)?.push(line);
  }
  blocks.sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  return [...lines.slice(0, begin), ...blocks.flat(), ...lines.slice(end)].join('\n');
}
