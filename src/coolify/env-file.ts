/**
 * Coolify's `/data/coolify/source/.env`. Lines are kept as they are (comments, quoting, duplicates, order), so
 * that what was not changed stays the same to the byte.
 *
 * Of a key that stands twice the first line counts, as in Coolify's installer (`awk -F= '!seen[$1]++'`).
 */
export class EnvFile {
  readonly #lines: readonly string[];

  private constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  static parse(text: string): EnvFile {
    return new EnvFile(text.split('\n'));
  }

  /** The value as a program sees it: without the quotes around it. Undefined when the key does not stand here. */
  get(key: string): string | undefined {
    for (const line of this.#lines) {
      const entry = entryOf(line);
      if (entry?.key === key) return unquote(entry.value);
    }
    return undefined;
  }

  /** The keys, each once, in order. */
  keys(): string[] {
    return [...new Set(this.#lines.map((line) => entryOf(line)?.key).filter((key) => key !== undefined))];
  }

  /** The line of a key as it stands, for taking it over with its quoting. */
  line(key: string): string | undefined {
    return this.#lines.find((line) => entryOf(line)?.key === key);
  }

  /** The same file with the line of `key` replaced (or added at the end); later duplicates are dropped. */
  withLine(key: string, newLine: string): EnvFile {
    let placed = false;
    const lines: string[] = [];
    for (const line of this.#lines) {
      if (entryOf(line)?.key !== key) {
        lines.push(line);
      } else if (!placed) {
        lines.push(newLine);
        placed = true;
      }
    }
    if (!placed) {
      if (lines.at(-1) === '') lines.splice(-1, 1, newLine, '');
      else lines.push(newLine);
    }
    return new EnvFile(lines);
  }

  /** The same file without the lines of `key`. */
  without(key: string): EnvFile {
    return new EnvFile(this.#lines.filter((line) => entryOf(line)?.key !== key));
  }

  /** Keys whose values differ between two files, with what became of them. */
  differences(after: EnvFile): { key: string; change: 'added' | 'removed' | 'changed' }[] {
    const differences: { key: string; change: 'added' | 'removed' | 'changed' }[] = [];
    for (const key of new Set([...this.keys(), ...after.keys()])) {
      const [before, now] = [this.get(key), after.get(key)];
      if (before === now) continue;
      differences.push({
        key,
        change: before === undefined ? 'added' : now === undefined ? 'removed' : 'changed',
      });
    }
    return differences;
  }

  toString(): string {
    return this.#lines.join('\n');
  }
}

/** Splits at the first `=` only: base64 values end in `=`. */
function entryOf(line: string): { key: string; value: string } | undefined {
  const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)=(.*?)\r?$/.exec(line);
  return match?.[1] === undefined || match[2] === undefined ? undefined : { key: match[1], value: match[2] };
}

function unquote(value: string): string {
  const trimmed = value.trim();
  const quoted = /^(["'])(.*)\1$/.exec(trimmed);
  return quoted?.[2] ?? trimmed;
}
