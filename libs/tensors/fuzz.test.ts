import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { type ByteSource, bytesSource, dtypes, openSafetensors, SafetensorsError, tensorBytes } from "./index.ts";

/** Whatever the bytes are: a SafetensorsError with a message for people, or a file whose tensors lie inside, one behind the other. */
async function surviveOpening(bytes: Uint8Array): Promise<"valid" | "refused"> {
  // Reads no more than the file has: what a length field asks for is checked first.
  const { source, largest } = watched(bytes);
  try {
    const { header, names, read } = await openSafetensors(source);
    let cursor = 0;
    for (const [name, { dtype, shape, begin, end }] of header.tensors) {
      assert.ok(dtypes.has(dtype) && name.isWellFormed());
      assert.equal(begin, cursor);
      assert.equal(end - begin, tensorBytes(dtype, shape));
      cursor = end;
    }
    assert.equal(header.dataOffset + cursor, bytes.length);
    for (const name of names) {
      const { begin, end } = header.tensors.get(name)!;
      assert.deepEqual(await read(name), bytes.subarray(header.dataOffset + begin, header.dataOffset + end));
    }
    return "valid";
  } catch (error) {
    assert.ok(error instanceof SafetensorsError, `${error instanceof Error ? error.stack : error}`);
    assert.ok(error.message.length < 2000, `a message of ${error.message.length} characters`);
    assert.ok(error.message.includes(`(${error.rule})`));
    return "refused";
  } finally {
    assert.ok(largest() <= bytes.length);
  }
}

function watched(bytes: Uint8Array): { source: ByteSource; largest: () => number } {
  const inner = bytesSource(bytes);
  let largest = 0;
  const read = (offset: number, length: number) => {
    largest = Math.max(largest, length);
    return inner.read(offset, length);
  };
  return { source: { size: inner.size, read }, largest: () => largest };
}

/** A file: a header of any text, and data. */
function fileOf(header: string | Uint8Array, dataBytes: number, length?: bigint): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

const fixtures = join(import.meta.dirname, "../../test/fixtures/safetensors");
const valid = await Promise.all((await readdir(join(fixtures, "valid"))).map((name) => readFile(join(fixtures, "valid", name))));
const invalid = await Promise.all((await readdir(join(fixtures, "invalid"))).map((name) => readFile(join(fixtures, "invalid", name))));

test("any bytes", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => void (await surviveOpening(bytes))),
    { numRuns: 1000 },
  );
});

test("any header text, of any length that it says it has", async () => {
  const length = fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 64 }), length, async (text, data, says) => {
      await surviveOpening(fileOf(Uint8Array.of(0x7b, ...text), data, says));
    }),
    { numRuns: 1000 },
  );
});

type Edit = {
  readonly kind: "flip" | "set" | "drop" | "insert" | "copy";
  readonly at: number;
  readonly byte: number;
  readonly count: number;
};

/** Bytes changed here and there, and possibly cut off. */
function edited(bytes: Uint8Array, edits: readonly Edit[], keep: number): Uint8Array {
  let out = [...bytes];
  for (const { kind, at, byte, count } of edits) {
    const place = Math.floor(at * out.length);
    if (kind === "flip") out[place] = (out[place] ?? 0) ^ (1 << (byte & 7));
    if (kind === "set") out[place] = byte;
    if (kind === "drop") out.splice(place, count);
    if (kind === "insert") out.splice(place, 0, ...Array.from({ length: count }, () => byte));
    if (kind === "copy") out.splice(place, 0, ...out.slice(place, place + count));
  }
  if (keep < 1) out = out.slice(0, Math.floor(keep * out.length));
  return Uint8Array.from(out);
}

test("files of the reference library with bytes changed, taken away and added", async () => {
  const kind = fc.constantFrom("flip" as const, "set" as const, "drop" as const, "insert" as const, "copy" as const);
  const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const edit = fc.record({ kind, at: fraction, byte: fc.nat({ max: 255 }), count: fc.integer({ min: 1, max: 40 }) });
  const kept = fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fraction });
  const original = fc.constantFrom(...valid, ...invalid.filter(({ length }) => length < 10_000));
  const outcomes = { valid: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(original, fc.array(edit, { maxLength: 4 }), kept, async (bytes, edits, keep) => {
      outcomes[await surviveOpening(edited(bytes, edits, keep))]++;
    }),
    { numRuns: 2500 },
  );
  // Bits of the data and of names may be any: some damaged files are files.
  assert.ok(outcomes.valid > 40 && outcomes.refused > 40, JSON.stringify(outcomes));
});

const anyNumber = fc.oneof(
  fc.nat({ max: 64 }).map(String),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.constantFrom(
    "-0",
    "1e400",
    "9007199254740991",
    "9007199254740992",
    "18446744073709551615",
    "0.5",
    "1e0",
    "NaN",
    "Infinity",
    "01",
    "-1",
  ),
);
const anyName = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "toString",
    "__metadata__",
    "",
    "\u0000",
    "\ud800",
    "a".repeat(5000),
    "\u202e",
    "é",
    "e\u0301",
  ),
);
const anyJson: fc.Arbitrary<string> = fc.oneof(
  fc.json({ maxDepth: 4 }),
  anyNumber,
  fc.nat({ max: 300_000 }).map((depth) => "[".repeat(depth)),
);
const list = (of: fc.Arbitrary<string>, maxLength: number) => fc.array(of, { maxLength }).map((items) => `[${items.join(",")}]`);
const entry = fc
  .record({
    dtype: fc.oneof(fc.constantFrom(...dtypes.keys()), fc.constantFrom("F33", "f32", "__proto__", "")).map((name) => JSON.stringify(name)),
    shape: fc.oneof({ weight: 5, arbitrary: list(anyNumber, 4) }, { weight: 1, arbitrary: anyJson }),
    offsets: fc.oneof({ weight: 5, arbitrary: list(fc.nat({ max: 64 }).map(String), 3) }, { weight: 1, arbitrary: list(anyNumber, 3) }),
    more: fc.option(anyJson, { nil: undefined, freq: 8 }),
  })
  .map(({ dtype, shape, offsets, more }) => `{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}${more ? `,"x":${more}` : ""}}`);

test("headers of any names, types, shapes and offsets", async () => {
  const pair = fc.tuple(anyName, fc.oneof({ weight: 8, arbitrary: entry }, { weight: 1, arbitrary: anyJson }));
  await fc.assert(
    fc.asyncProperty(fc.array(pair, { maxLength: 6 }), fc.nat({ max: 128 }), async (pairs, data) => {
      await surviveOpening(fileOf(`{${pairs.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`, data));
    }),
    { numRuns: 1500 },
  );
});

test("tensors that lie one over the other, with holes, or beyond the end are refused; all others are read", async () => {
  const span = fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 12 })).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  await fc.assert(
    fc.asyncProperty(fc.array(span, { maxLength: 5 }), fc.nat({ max: 12 }), async (spans, data) => {
      const entries = spans.map(([begin, end], i) => `"${i}":{"dtype":"U8","shape":[${end - begin}],"data_offsets":[${begin},${end}]}`);
      let cursor = 0;
      const sorted = [...spans].sort(([a, b], [c, d]) => a - c || b - d);
      const whole = sorted.every(([begin, end]) => {
        const fits = begin === cursor;
        cursor = end;
        return fits;
      });
      assert.equal(await surviveOpening(fileOf(`{${entries.join(",")}}`, data)), whole && cursor === data ? "valid" : "refused");
    }),
    { numRuns: 1000 },
  );
});

const LARGE: [string, string][] = [
  ["a name of a megabyte", `{"${"x".repeat(1 << 20)}":3}`],
  ["a number of a megabyte", `{"a":{"dtype":"F32","shape":[${"9".repeat(1 << 20)}],"data_offsets":[0,4]}}`],
  ["a hundred thousand dimensions", `{"a":{"dtype":"F32","shape":[${Array(100_000).fill(2)}],"data_offsets":[0,4]}}`],
  ["a hundred thousand dimensions of one", `{"a":{"dtype":"F32","shape":[${Array(100_000).fill(1)}],"data_offsets":[0,8]}}`],
  ["a hundred thousand offsets", `{"a":{"dtype":"F32","shape":[],"data_offsets":[${Array(100_000).fill(1)}]}}`],
  ["a million brackets", `{"a":${"[".repeat(1 << 20)}`],
  ["a million braces", `${'{"a":'.repeat(200_000)}`],
  ["a megabyte of escapes", `{"${"\\u0041".repeat(170_000)}":{}}`],
  ["a key twice, of a megabyte", `{"${"x".repeat(1 << 20)}":{},"${"x".repeat(1 << 20)}":{}}`],
  ["metadata that is none, of a megabyte", `{"__metadata__":{"${"x".repeat(1 << 20)}":1}}`],
  ["a string that does not end", `{"${"x".repeat(1 << 20)}`],
];
for (const [name, header] of LARGE) {
  test(`${name} is refused at once, in a few words`, async () => {
    const startedMs = performance.now();
    assert.equal(await surviveOpening(fileOf(header, 4)), "refused");
    assert.ok(performance.now() - startedMs < 2000);
  });
}

test("a hundred thousand tensors without bytes are a valid file", async () => {
  const entries = Array.from({ length: 100_000 }, (_, i) => `"t${i}":{"dtype":"F32","shape":[0,9],"data_offsets":[0,0]}`);
  assert.equal(await surviveOpening(fileOf(`{${entries.join(",")}}`, 0)), "valid");
});
