/** Bits that are looked up at once. Few codes are longer. */
export const SHORT_BITS = 9;
const LONGEST_BITS = 16;
/** Of a code and the number behind it, that are looked at together. */
const MOST_BITS = 25;

/** What an entry says: how many bits its code and the number behind it take in the lower byte, something else above. */
export const ENTRY_BITS = 0xff;
export const ENTRY_ABOVE = 8;
/** More coefficients than a block has: the rest of it are zeros. */
export const END_OF_BLOCK = 128;

/** Codes of a Huffman table, as its reader needs them. An entry of 0 is no code, or one of what no JPEG of 8 bits has. */
export type HuffmanTable = {
  /** By the next nine bits. */
  readonly short: Uint16Array;
  /** Of a code that is longer. @param word the next 16 bits */
  long(word: number): number;
};

/**
 * A table as a JPEG has it. Undefined where it is none. Above, an entry has how many bits the number behind it has (of first coefficients),
 * or how many coefficients further it leads (of the others). Source: ISO 10918-1, annex C and F.2.2.
 * @param counts how many codes there are of 1 to 16 bits @param symbols what they stand for @param isDc of first coefficients
 */
export function huffmanTable(counts: Uint8Array, symbols: Uint8Array, isDc: boolean): HuffmanTable | undefined {
  // libjpeg takes no table with one of these, even if no block has it.
  if (isDc && symbols.some((symbol) => symbol > 15)) return undefined;
  const entryOf = isDc ? dcEntry : acEntry;
  const short = new Uint16Array(1 << SHORT_BITS);
  /** By length: the first code, the first that is longer, filled up to 16 bits, and the place of the first one's symbol. */
  const [first, behind, place] = [new Uint32Array(17), new Uint32Array(17), new Uint32Array(17)];
  let [code, used] = [0, 0];
  for (let length = 1; length <= LONGEST_BITS; length++) {
    const count = counts[length - 1]!;
    first[length] = code;
    place[length] = used;
    for (const symbol of symbols.subarray(used, used + count)) {
      if (length <= SHORT_BITS) {
        const room = SHORT_BITS - length;
        short.fill(entryOf(symbol, length), code << room, (code + 1) << room);
      }
      code++;
    }
    used += count;
    // The code of ones alone is none.
    if (code >= 1 << length) return undefined;
    behind[length] = code << (LONGEST_BITS - length);
    code <<= 1;
  }
  const long = (word: number) => {
    let length = SHORT_BITS + 1;
    while (length <= LONGEST_BITS && word >= behind[length]!) length++;
    if (length > LONGEST_BITS) return 0;
    return entryOf(symbols[place[length]! + (word >>> (LONGEST_BITS - length)) - first[length]!]!, length);
  };
  return { short, long };
}

function dcEntry(bits: number, length: number): number {
  return bits > 11 || length + bits > MOST_BITS ? 0 : (bits << ENTRY_ABOVE) | (length + bits);
}

function acEntry(symbol: number, length: number): number {
  const [zeros, bits] = [symbol >> 4, symbol & 15];
  if (bits > 10) return 0;
  if (bits > 0) return ((zeros + 1) << ENTRY_ABOVE) | (length + bits);
  if (zeros === 0) return (END_OF_BLOCK << ENTRY_ABOVE) | length;
  return zeros === 15 ? (16 << ENTRY_ABOVE) | length : 0;
}
