/** A column of texts: their UTF-8, one after the other, and where each ends. */
export type Texts = { readonly text: Uint8Array; readonly end: Int32Array };

/** Collects texts one by one. */
export type TextsBuilder = { add(text: string): void; build(): Texts };

/** An empty column that grows. */
export function createTextsBuilder(): TextsBuilder {
  let text = new Uint8Array(16 * 1024);
  let end = new Int32Array(1024);
  let [bytes, count] = [0, 0];
  return {
    add(added) {
      const encoded = Buffer.from(added);
      if (bytes + encoded.length > text.length) text = grown(text, new Uint8Array(2 * text.length + encoded.length));
      text.set(encoded, bytes);
      bytes += encoded.length;
      if (count === end.length) end = grown(end, new Int32Array(2 * end.length));
      end[count] = bytes;
      count++;
    },
    build: () => ({ text: text.subarray(0, bytes), end: end.subarray(0, count) }),
  };
}

/** One of the texts. @param row from 0 */
export function textOfRow({ text, end }: Texts, row: number): string {
  const begin = row === 0 ? 0 : end[row - 1]!;
  return Buffer.from(text.buffer, text.byteOffset + begin, end[row]! - begin).toString();
}

function grown<T extends Uint8Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
