/** A stretch of a zstd file that belongs to one frame. */
export interface FramePiece {
  readonly bytes: Buffer;
  /** The frame ends with it. */
  readonly isLast: boolean;
}

type Part = 'magic' | 'descriptor' | 'rest-of-header' | 'block-header' | 'skip-size';

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const SIZES: Readonly<Record<Exclude<Part, 'rest-of-header'>, number>> = {
  magic: 4,
  descriptor: 1,
  'block-header': 3,
  'skip-size': 4,
};
const CHECKSUM_BYTES = 4;

/**
 * Finds where the frames of a zstd file end (RFC 8878, section 3), however the file is cut. Node's own decoder reads one
 * frame and does not notice when its end is missing.
 */
export class ZstdFrames {
  #part: Part = 'magic';
  #wanted = SIZES.magic;
  #header = Buffer.alloc(0);
  /** Bytes to pass over before the next part. */
  #skip = 0;
  /** After what is passed over now, the frame is complete. */
  #isEnding = false;
  #hasChecksum = false;
  /** Bytes of the header that say how large the content is; where they stand in what follows the descriptor. */
  #sizeField = { at: 0, bytes: 0 };
  #contentSize: number | undefined;

  /** How much the frame unpacks to, where its header says so: of the one that was seen last. */
  get contentSize(): number | undefined {
    return this.#contentSize;
  }

  /** Between two frames, or before the first. */
  get isBetween(): boolean {
    return this.#part === 'magic' && this.#header.length === 0 && this.#skip === 0;
  }

  /** The frames' shares of a piece, in order; `undefined` where something follows that is no frame. */
  *push(piece: Buffer): Generator<FramePiece | undefined> {
    let start = 0;
    let at = 0;
    while (at < piece.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, piece.length - at);
        this.#skip -= step;
        at += step;
      } else {
        const step = Math.min(this.#wanted - this.#header.length, piece.length - at);
        this.#header = Buffer.concat([this.#header, piece.subarray(at, at + step)]);
        at += step;
        if (this.#header.length === this.#wanted) {
          const header = this.#header;
          const isBeginning = this.#part === 'magic';
          if (!this.#take(header)) {
            yield undefined;
            return;
          }
          // Kept back until it is known to be a frame's.
          if (isBeginning) {
            yield { bytes: header, isLast: false };
            start = at;
          }
        }
      }
      if (this.#isEnding && this.#skip === 0) {
        yield { bytes: piece.subarray(start, at), isLast: true };
        start = at;
        this.#isEnding = false;
        this.#expect('magic');
      }
    }
    if (start < at && this.#part !== 'magic') yield { bytes: piece.subarray(start, at), isLast: false };
  }

  /** Reads a part of a frame that is whole. False where it makes no sense. */
  #take(bytes: Buffer): boolean {
    switch (this.#part) {
      case 'magic':
        return this.#takeMagic(bytes.readUInt32LE());
      case 'skip-size':
        this.#skip = bytes.readUInt32LE();
        this.#isEnding = true;
        return true;
      case 'descriptor':
        this.#takeDescriptor(bytes.readUInt8());
        return true;
      case 'rest-of-header':
        this.#contentSize = contentSizeIn(bytes.subarray(this.#sizeField.at), this.#sizeField.bytes);
        this.#expect('block-header');
        return true;
      case 'block-header':
        return this.#takeBlock(bytes.readUIntLE(0, 3));
    }
  }

  #takeMagic(magic: number): boolean {
    this.#contentSize = undefined;
    const isSkippable = (magic & 0xfffffff0) >>> 0 === SKIPPABLE;
    if (!isSkippable && magic !== MAGIC) return false;
    this.#expect(isSkippable ? 'skip-size' : 'descriptor');
    return true;
  }

  #takeDescriptor(descriptor: number): void {
    const isSingle = (descriptor & 0x20) !== 0;
    this.#hasChecksum = (descriptor & 0x04) !== 0;
    const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
    const size = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
    const at = (isSingle ? 0 : 1) + dictionary;
    this.#sizeField = { at, bytes: size };
    const rest = at + size;
    if (rest === 0) this.#expect('block-header');
    else this.#expect('rest-of-header', rest);
  }

  #takeBlock(header: number): boolean {
    const kind = (header >> 1) & 3;
    if (kind === 3) return false;
    const isLast = (header & 1) === 1;
    // One byte stands for as many as the size says in a block of kind 1.
    this.#skip = (kind === 1 ? 1 : header >> 3) + (isLast && this.#hasChecksum ? CHECKSUM_BYTES : 0);
    this.#isEnding = isLast;
    this.#expect('block-header');
    return true;
  }

  #expect(part: Exclude<Part, 'rest-of-header'>): void;
  #expect(part: 'rest-of-header', size: number): void;
  #expect(part: Part, size?: number): void {
    this.#part = part;
    this.#wanted = part === 'rest-of-header' ? (size ?? 0) : SIZES[part];
    this.#header = Buffer.alloc(0);
  }
}

/** The field has 0, 1, 2, 4 or 8 bytes; 2 begin at 256. */
function contentSizeIn(field: Buffer, bytes: number): number | undefined {
  if (bytes === 0) return undefined;
  if (bytes === 8) return Number(field.readBigUInt64LE());
  return field.readUIntLE(0, bytes) + (bytes === 2 ? 256 : 0);
}
