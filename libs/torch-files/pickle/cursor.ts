import { TorchFileError } from "../errors.ts";

/** Integers of Python's LONG opcodes that are kept: random states have some of 128 bits, weights have none. */
const MOST_INTEGER_BYTES = 1024;

/** Reads the parts of a pickle, one behind the other. Each throws TorchFileError (truncated) at the end of the bytes. */
export class Cursor {
  at: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  #take(length: number): number {
    if (length > this.#bytes.length - this.at) throw new TorchFileError("truncated", "it ends in the middle of its pickle");
    const from = this.at;
    this.at += length;
    return from;
  }

  u8 = (): number => this.#view.getUint8(this.#take(1));
  u16 = (): number => this.#view.getUint16(this.#take(2), true);
  u32 = (): number => this.#view.getUint32(this.#take(4), true);
  i32 = (): number => this.#view.getInt32(this.#take(4), true);
  /** Big-endian, unlike all others. */
  f64 = (): number => this.#view.getFloat64(this.#take(8));

  /** A length of 8 bytes. */
  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(value);
  }

  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  text(length: number): string {
    const bytes = this.bytes(length);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (cause) {
      throw new TorchFileError("pickle", "a text in its pickle is not UTF-8", { cause });
    }
  }

  /** A string of Python 2: bytes, which are taken for text. */
  latin1(length: number): string {
    return Buffer.from(this.bytes(length)).toString("latin1");
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.at);
    if (end < 0) throw new TorchFileError("truncated", "it ends in the middle of its pickle");
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  /** A signed integer of so many bytes: a number where that is exact. */
  integer(length: number): number | bigint {
    if (length > MOST_INTEGER_BYTES) throw new TorchFileError("limit", `its pickle has an integer of ${length} bytes`);
    const bytes = this.bytes(length);
    if (length === 0) return 0;
    const value = BigInt.asIntN(8 * length, BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`));
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
}
