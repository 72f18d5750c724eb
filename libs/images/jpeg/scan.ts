import { END_OF_BLOCK, ENTRY_ABOVE, ENTRY_BITS, type HuffmanTable, SHORT_BITS } from "./huffman.ts";

const COEFFICIENTS = 64;
/** Bits are counted in 32 bits. */
const MOST_BYTES = 1 << 28;
/** What is read at once, behind the last byte too. */
const WORD_BYTES = 4;

/** One component of a scan: a unit has `across` times `down` of its blocks, line by line. */
export type ScanComponent = {
  readonly across: number;
  readonly down: number;
  readonly dc: HuffmanTable;
  readonly ac: HuffmanTable;
};

/** How the data of a scan are laid out. */
export type Scan = {
  readonly components: readonly ScanComponent[];
  /** Units in a line, and lines of them. */
  readonly unitsAcross: number;
  readonly unitsDown: number;
  /** Units between two restart markers; 0 without any. */
  readonly interval: number;
};

/** What a scan holds. */
export type ScanData = {
  /** Of the first component the first coefficient of each of its blocks, [unitsDown · down, unitsAcross · across]. */
  readonly first: Int32Array;
  /** Where its data end. */
  readonly end: number;
};

/** A block of a unit: its component, and where in the unit it is. */
type Block = ScanComponent & { readonly component: number; readonly x: number; readonly y: number };

/**
 * Reads all codes of a scan of a sequential JPEG, as who decodes it does, and keeps the first coefficients of one component. Undefined if the data
 * are damaged, too few or too many. Source: ISO 10918-1, F.2.2 and B.1.1.5.
 * @param at where the data begin
 */
export function readScan(bytes: Uint8Array, at: number, scan: Scan): ScanData | undefined {
  if (bytes.length > MOST_BYTES) return undefined;
  const { components, interval } = scan;
  const units = scan.unitsAcross * scan.unitsDown;
  const { across, down } = components[0]!;
  const first = { values: new Int32Array(units * across * down), stride: scan.unitsAcross * across };
  const blocks = components.flatMap((one, component) =>
    Array.from(
      { length: one.across * one.down },
      (_, i): Block => ({ ...one, component, x: i % one.across, y: Math.floor(i / one.across) }),
    ),
  );
  const data = scratch(bytes.length - at + WORD_BYTES);
  for (let done = 0, restarts = 0; ; restarts++) {
    const part = interval > 0 ? Math.min(interval, units - done) : units;
    const { length, end } = unstuff(bytes, at, data);
    data.fill(0, length, length + WORD_BYTES);
    const bits = readUnits(data, length, blocks, { begin: done, end: done + part, across: scan.unitsAcross }, first);
    // No byte is left, but the rest of the last one.
    if (bits === undefined || Math.ceil(bits / 8) !== length) return undefined;
    done += part;
    if (done === units) return { first: first.values, end };
    if (bytes[end + 1] !== 0xd0 + (restarts & 7)) return undefined;
    at = end + 2;
  }
}

type Units = { readonly begin: number; readonly end: number; readonly across: number };
type First = { readonly values: Int32Array; readonly stride: number };

/** Reads the codes of some units. Returns how many bits they have, or undefined where they are none, or behind the end. */
function readUnits(
  data: Uint8Array,
  length: number,
  blocks: readonly Block[],
  { begin, end, across }: Units,
  first: First,
): number | undefined {
  // Each first coefficient is told as a difference to the one before.
  let light = 0;
  let bit = 0;
  for (let unit = begin; unit < end; unit++) {
    const [line, column] = [Math.floor(unit / across), unit % across];
    for (const block of blocks) {
      const { dc, ac, component } = block;
      let word = bitsAt(data, bit);
      let entry = dc.short[word >>> (32 - SHORT_BITS)]! || dc.long(word >>> 16);
      if (entry === 0 || bit >>> 3 >= length) return undefined;
      const total = entry & ENTRY_BITS;
      const size = entry >> ENTRY_ABOVE;
      if (component === 0) {
        if (size > 0) light += signed((word << (total - size)) >>> (32 - size), size);
        first.values[(line * block.down + block.y) * first.stride + column * block.across + block.x] = light;
      }
      bit += total;
      let k = 1;
      while (k < COEFFICIENTS) {
        if (bit >>> 3 >= length) return undefined;
        word = bitsAt(data, bit);
        entry = ac.short[word >>> (32 - SHORT_BITS)]! || ac.long(word >>> 16);
        if (entry === 0) return undefined;
        bit += entry & ENTRY_BITS;
        k += entry >> ENTRY_ABOVE;
      }
      if (k > COEFFICIENTS && k < END_OF_BLOCK) return undefined;
    }
  }
  return bit;
}

/** The next 25 bits or more, the first one highest. */
function bitsAt(data: Uint8Array, bit: number): number {
  const place = bit >>> 3;
  return ((data[place]! << 24) | (data[place + 1]! << 16) | (data[place + 2]! << 8) | data[place + 3]!) << (bit & 7);
}

/** The number that so many bits stand for: those that begin with 0 are negative. */
function signed(bits: number, size: number): number {
  return bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
}

/** Copies data up to the next marker, without the zeros that are put behind bytes of ones. Returns how many, and where the marker is. */
function unstuff(bytes: Uint8Array, from: number, to: Uint8Array): { length: number; end: number } {
  let [at, length] = [from, 0];
  for (;;) {
    const found = bytes.indexOf(0xff, at);
    const end = found < 0 ? bytes.length : found;
    const isData = bytes[end + 1] === 0;
    to.set(bytes.subarray(at, isData ? end + 1 : end), length);
    length += (isData ? end + 1 : end) - at;
    if (!isData) return { length, end };
    at = end + 2;
  }
}

const MOST_KEPT = 16 << 20;
let kept = new Uint8Array(1 << 16);

/** Memory that the next one who asks gets too, unless it is much. */
function scratch(bytes: number): Uint8Array {
  if (bytes > MOST_KEPT) return new Uint8Array(bytes);
  if (kept.length < bytes) kept = new Uint8Array(Math.min(2 * bytes, MOST_KEPT));
  return kept;
}
