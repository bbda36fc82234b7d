const WIDTH = 110;

/** JSON as the formatter of this project leaves it: short lists on one line, everything else on lines of its own. */
export function jsonText(value: unknown, indent = '', column = indent.length): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const flat = `[${value.map((one) => jsonText(one, deeper)).join(', ')}]`;
    // A comma may follow.
    if (!flat.includes('\n') && column + flat.length < WIDTH) return flat;
    return `[\n${value.map((one) => deeper + jsonText(one, deeper)).join(',\n')}\n${indent}]`;
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([key, one]) => {
    const name = `${deeper}${JSON.stringify(key)}: `;
    return name + jsonText(one, deeper, name.length);
  });
  return `{\n${lines.join(',\n')}\n${indent}}`;
}
