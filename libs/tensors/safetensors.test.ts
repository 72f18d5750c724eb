import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import {
  bytesSource,
  type Dtype,
  dtypes,
  fileSource,
  isDtype,
  loadFloat32,
  openSafetensors,
  parseSafetensorsHeader,
  planSafetensors,
  SafetensorsError,
  type SafetensorsRule,
  saveFloat32,
  type TensorData,
  tensorBytes,
  widen,
  writeSafetensors,
} from "./index.ts";

const fixtures = join(import.meta.dirname, "../../test/fixtures/safetensors");

type Expected = Record<string, Record<string, { dtype: string; shape: number[]; values: number[] }>>;
const expected = JSON.parse(await readFile(join(fixtures, "valid.json"), "utf8")) as Expected;
const TORCH: Record<string, Dtype> = {
  "torch.bfloat16": "BF16",
  "torch.float16": "F16",
  "torch.float32": "F32",
  "torch.float64": "F64",
  "torch.float8_e4m3fn": "F8_E4M3",
  "torch.float8_e5m2": "F8_E5M2",
  "torch.int64": "I64",
  "torch.int32": "I32",
  "torch.int16": "I16",
  "torch.int8": "I8",
  "torch.uint8": "U8",
  "torch.bool": "BOOL",
};

test("the fixtures are all there", async () => {
  assert.deepEqual((await readdir(join(fixtures, "valid"))).sort(), Object.keys(expected).sort());
  assert.deepEqual(
    (await readdir(join(fixtures, "invalid"))).sort(),
    Object.keys(BROKEN)
      .map((name) => `${name}.safetensors`)
      .sort(),
  );
});

for (const [name, tensors] of Object.entries(expected)) {
  test(`${name} of the reference library reads as PyTorch reads it`, async () => {
    await using source = await fileSource(join(fixtures, "valid", name));
    const file = await openSafetensors(source);
    assert.deepEqual([...file.names].sort(), Object.keys(tensors).sort());
    for (const [tensor, { dtype, shape, values }] of Object.entries(tensors)) {
      const entry = file.header.tensors.get(tensor)!;
      assert.equal(entry.dtype, TORCH[dtype]);
      assert.deepEqual(entry.shape, shape);
      const read = new Float64Array(shape.reduce((a, b) => a * b, 1));
      widen(entry.dtype, await file.read(tensor), read);
      assert.deepEqual([...read.subarray(0, values.length)], values);
    }
  });

  test(`${name} of the reference library is written byte for byte`, async () => {
    const bytes = new Uint8Array(await readFile(join(fixtures, "valid", name)));
    const file = await openSafetensors(bytesSource(bytes));
    const rows: TensorData[] = [];
    for (const [tensor, { dtype, shape }] of file.header.tensors) rows.push({ name: tensor, dtype, shape, data: await file.read(tensor) });
    assert.deepEqual(writeSafetensors(rows.reverse(), file.header.metadata), bytes);
  });
}

const BROKEN: Record<string, SafetensorsRule> = {
  "duplicate-name": "duplicate-name",
  "empty-file": "file-too-short",
  "first-not-zero": "hole",
  "fractional-shape": "shape",
  "header-leading-space": "header-start",
  "header-length-huge": "header-over-limit",
  "header-length-over-limit": "header-over-limit",
  "header-length-past-end": "header-past-end",
  "header-not-json": "header-not-json",
  "header-not-object": "header-start",
  "header-not-utf8": "header-not-utf8",
  hole: "hole",
  "metadata-not-strings": "metadata",
  "missing-offsets": "entry",
  "negative-shape": "shape",
  "offset-past-end": "data-past-end",
  "offsets-reversed": "offsets",
  overlap: "overlap",
  "prototype-name": "size-mismatch",
  "seven-bytes": "file-too-short",
  "shape-product-overflow": "shape-overflow",
  "size-mismatch": "size-mismatch",
  "trailing-bytes": "trailing-bytes",
  "truncated-data": "data-past-end",
  "unknown-dtype": "dtype",
};

for (const [name, rule] of Object.entries(BROKEN)) {
  test(`invalid/${name} is refused: ${rule}`, async () => {
    await using source = await fileSource(join(fixtures, "invalid", `${name}.safetensors`));
    await assert.rejects(openSafetensors(source), (error) => {
      assert.ok(error instanceof SafetensorsError, String(error));
      assert.equal(error.rule, rule);
      assert.ok(error.message.includes(`(${rule})`));
      return true;
    });
  });
}

const HEADERS: [string, SafetensorsRule][] = [
  ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}', "duplicate-name"],
  ['{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}', "duplicate-name"],
  ['{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', "shape"],
  ['{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}', "shape"],
  ['{"a":{"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,4]}}', "shape"],
  ['{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}', "shape"],
  ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}', "offsets"],
  ['{"a":{"dtype":"F32","shape":[1],"data_offsets":["0","4"]}}', "offsets"],
  ['{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,4]}}', "shape-overflow"],
  ['{"a":{"dtype":"toString","shape":[1],"data_offsets":[0,4]}}', "dtype"],
  ['{"a":{"dtype":null,"shape":[1],"data_offsets":[0,4]}}', "dtype"],
  ['{"a":3}', "entry"],
  ['{"__metadata__":null,"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', "metadata"],
  [`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":${"[".repeat(99)}${"]".repeat(99)}}}`, "header-too-deep"],
  ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},}', "header-not-json"],
  ['{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}', "header-not-json"],
  ['{"a\n":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', "header-not-json"],
  ['{"\\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', "header-not-json"],
  ['{"\\x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', "header-not-json"],
  ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} x', "header-not-json"],
];

for (const [header, rule] of HEADERS) {
  test(`the header ${header.slice(0, 90)} is refused: ${rule}`, () => {
    const file = fileWith(header, 4);
    assert.throws(
      () => parseSafetensorsHeader(file, file.length),
      (error) => error instanceof SafetensorsError && error.rule === rule,
    );
  });
}

test("a header may hold escapes, white space, unknown keys of an entry, and names that are special to JavaScript objects", () => {
  const file = fileWith(
    '{ "__proto__" :\n{"dtype":"F32","shape":[ ],"data_offsets":[0,4],"note":{"a":[1.5,true,null]}}, "\\u00e4\\n":{"dtype":"F16","shape":[0,7],"data_offsets":[4,4]} }\t',
    4,
  );
  const { tensors } = parseSafetensorsHeader(file, file.length);
  assert.deepEqual([...tensors.keys()], ["__proto__", "ä\n"]);
  assert.deepEqual(tensors.get("__proto__"), { dtype: "F32", shape: [], begin: 0, end: 4 });
});

test("a tighter header limit is kept", () => {
  const file = fileWith("{}", 0);
  assert.throws(() => parseSafetensorsHeader(file, file.length, { maxHeaderBytes: 1 }), /header-over-limit.*2 bytes, the limit is 1/);
});

test("a lazy reader reads the header, then only the range asked for", async () => {
  const bytes = saveFloat32(new Map([["w", { shape: [1000], data: Float32Array.from({ length: 1000 }, (_, i) => i) }]]));
  const reads: number[] = [];
  const whole = bytesSource(bytes);
  const file = await openSafetensors({
    size: whole.size,
    read(offset, length) {
      reads.push(length);
      return whole.read(offset, length);
    },
  });
  const out = new Float32Array(2);
  widen("F32", await file.read("w", { offset: 40, length: 8 }), out);
  assert.deepEqual([...out], [10, 11]);
  assert.equal(reads.at(-1), 8);
  assert.ok(reads.slice(0, -1).reduce((a, b) => a + b) <= 8 + file.header.dataOffset);
  await assert.rejects(file.read("w", { offset: 3998, length: 4 }), RangeError);
  await assert.rejects(file.read("v"), /no tensor "v"/);
});

test("a file that is cut while it is read is an error, not zeros", async () => {
  const directory = await mkdtemp(join(tmpdir(), "tensors-"));
  const path = join(directory, "w.safetensors");
  await writeFile(path, saveFloat32(new Map([["w", { shape: [4], data: new Float32Array(4) }]])));
  {
    await using source = await fileSource(path);
    const file = await openSafetensors(source);
    await writeFile(path, new Uint8Array(20));
    await assert.rejects(file.read("w"), /became shorter/);
  }
  await rm(directory, { recursive: true });
});

const anyName = fc.string({ unit: "binary", maxLength: 12 }).filter((name) => name.isWellFormed() && name !== "__metadata__");
const anyTensor = fc
  .record({
    name: anyName,
    dtype: fc.constantFrom(...([...dtypes.keys()] as Dtype[])),
    shape: fc.array(fc.nat({ max: 4 }), { maxLength: 3 }),
  })
  // Eight elements more fill whole bytes for every type.
  .map(({ name, dtype, shape }) => ({ name, dtype, shape: [...shape, 8] }))
  .chain((layout) => {
    const size = tensorBytes(layout.dtype, layout.shape);
    return fc.uint8Array({ minLength: size, maxLength: size }).map((data) => ({ ...layout, data }));
  });
const anyTensors = fc.uniqueArray(anyTensor, { selector: ({ name }) => name, maxLength: 6 });

test("what is written reads back, in any order of tensors, with aligned data", async () => {
  await fc.assert(
    fc.asyncProperty(
      anyTensors,
      fc.dictionary(
        anyName,
        fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()),
      ),
      async (tensors, metadata) => {
        const bytes = writeSafetensors(tensors, metadata);
        assert.deepEqual(writeSafetensors([...tensors].reverse(), metadata), bytes);
        const file = await openSafetensors(bytesSource(bytes));
        assert.equal(file.header.dataOffset % 8, 0);
        assert.deepEqual(file.header.metadata, new Map(Object.entries(metadata)));
        assert.deepEqual([...file.names].sort(), tensors.map(({ name }) => name).sort());
        for (const { name, dtype, shape, data } of tensors) {
          const entry = file.header.tensors.get(name)!;
          assert.deepEqual({ dtype: entry.dtype, shape: entry.shape }, { dtype, shape });
          assert.deepEqual(new Uint8Array(await file.read(name)), data);
          const bits = dtypes.get(dtype)!.bits;
          if (bits >= 8) assert.equal(entry.begin % (bits / 8), 0);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test("a plan says where each tensor will lie, before there is data", () => {
  const plan = planSafetensors([
    { name: "b", dtype: "F16", shape: [3] },
    { name: "a", dtype: "F32", shape: [2, 2] },
  ]);
  assert.equal(plan.size, plan.header.length + 22);
  assert.deepEqual(
    [...plan.offsets],
    [
      ["a", { begin: plan.header.length, end: plan.header.length + 16 }],
      ["b", { begin: plan.header.length + 16, end: plan.header.length + 22 }],
    ],
  );
});

test("a changed byte of the header is refused or changes what is read, and never crashes", () => {
  const file = saveFloat32(new Map([["fc1.weight", { shape: [2, 3], data: new Float32Array(6) }]]), { format: "pt" });
  const original = show(file);
  // The padding after it may be any white space.
  const end = file.lastIndexOf("}".charCodeAt(0)) + 1;
  fc.assert(
    fc.property(fc.nat({ max: end - 1 }), fc.integer({ min: 1, max: 255 }), (position, flip) => {
      const damaged = file.slice();
      damaged[position]! ^= flip;
      try {
        assert.notEqual(show(damaged), original);
      } catch (error) {
        if (!(error instanceof SafetensorsError)) throw error;
      }
    }),
    { numRuns: 500 },
  );

  function show(bytes: Uint8Array): string {
    const { tensors, metadata, dataOffset } = parseSafetensorsHeader(bytes, bytes.length);
    return JSON.stringify([[...tensors], [...metadata], dataOffset]);
  }
});

const WRITER_ERRORS: [string, TensorData[], RegExp][] = [
  ["a name twice", [tensor("a"), tensor("a")], /two tensors are named "a"/],
  ["the reserved name", [tensor("__metadata__")], /cannot be named __metadata__/],
  ["half a surrogate pair", [tensor("\ud800")], /surrogate/],
  ["too few bytes", [{ ...tensor("a"), data: new Uint8Array(3) }], /F32 \[1\] and needs 4 bytes, got 3/],
  ["half an element", [{ ...tensor("a"), shape: [0.5] }], /whole number/],
];
for (const [name, tensors, message] of WRITER_ERRORS) {
  test(`the writer refuses ${name}`, () => {
    assert.throws(
      () => writeSafetensors(tensors),
      (error) => error instanceof RangeError && message.test(error.message),
    );
  });
}

test("float32 files load and save", () => {
  const weights = new Map([["w", { shape: [2, 2], data: new Float32Array([1, -0, 3.5, 4]) }]]);
  const loaded = loadFloat32(saveFloat32(weights));
  assert.deepEqual(loaded, weights);
  assert.deepEqual(loadFloat32(Buffer.concat([saveFloat32(weights)])), weights, "a Buffer, whose slices are views, too");
});

test("dtypes are known by name only", () => {
  assert.ok(isDtype("BF16"));
  assert.ok(!isDtype("bf16"));
  assert.ok(!isDtype(16));
});

function tensor(name: string): TensorData {
  return { name, dtype: "F32", shape: [1], data: new Uint8Array(4) };
}

function fileWith(header: string, dataBytes: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  return file;
}
