/** Reads the fields of RFC 4251, section 5. Every method gives `undefined` where the data ends too early. */
export class WireReader {
  readonly #data: Buffer;
  #at = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  /** How many bytes have been read. */
  get position(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at === this.#data.length;
  }

  byte(): number | undefined {
    return this.bytes(1)?.[0];
  }

  uint32(): number | undefined {
    return this.bytes(4)?.readUInt32BE(0);
  }

  uint64(): bigint | undefined {
    return this.bytes(8)?.readBigUInt64BE(0);
  }

  string(): Buffer | undefined {
    const length = this.uint32();
    return length === undefined ? undefined : this.bytes(length);
  }

  /** A string of names and the like, one character a byte. */
  text(): string | undefined {
    return this.string()?.toString('latin1');
  }

  bytes(length: number): Buffer | undefined {
    if (this.#data.length - this.#at < length) return undefined;
    const value = this.#data.subarray(this.#at, this.#at + length);
    this.#at += length;
    return value;
  }
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function string(value: Buffer | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** Fields that are strings, one after the other. */
export function strings(...values: readonly (Buffer | string)[]): Buffer {
  return Buffer.concat(values.map(string));
}

/** A positive number of any size. */
export function mpint(magnitude: Buffer): Buffer {
  const negative = ((magnitude[0] ?? 0) & 0x80) !== 0;
  return string(negative ? Buffer.concat([Buffer.alloc(1), magnitude]) : magnitude);
}

/** The number that an mpint holds, without leading zeros: as JSON web keys have it. */
export function unsigned(mpintBytes: Buffer): Buffer {
  let start = 0;
  while (start < mpintBytes.length && mpintBytes[start] === 0) start += 1;
  return mpintBytes.subarray(start);
}
