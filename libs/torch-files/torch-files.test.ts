import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { bytesSource, type Dtype, fileSource, tensorBytes, weightTensor } from "#libs/tensors";
import { gatherTensor, isContiguous, openTorchFile, TorchFileError, torchFormat } from "./index.ts";

const fixtures = join(import.meta.dirname, "../../test/fixtures/torch-files");
type Expected = Record<string, Record<string, { dtype: string; shape: number[]; values: number[] }>>;
// Numbers beyond 2^53 are compared as they are written.
const expected = JSON.parse(await readFile(join(fixtures, "expected.json"), "utf8")) as Expected;
const DTYPES: Readonly<Record<string, Dtype>> = {
  "torch.float64": "F64",
  "torch.float32": "F32",
  "torch.float16": "F16",
  "torch.bfloat16": "BF16",
  "torch.float8_e4m3fn": "F8_E4M3",
  "torch.float8_e5m2": "F8_E5M2",
  "torch.int64": "I64",
  "torch.int32": "I32",
  "torch.int16": "I16",
  "torch.int8": "I8",
  "torch.uint8": "U8",
  "torch.uint32": "U32",
  "torch.bool": "BOOL",
};

const refused: Readonly<Record<string, RegExp>> = {
  "zip-ambiguous.pth":
    /^it holds several dicts of tensors, and .*: "params" \(1 tensor\) and "params_ema" \(1 tensor\); say it behind the file's name, such as #params$/,
  "zip-module.pth": /^it wants to call __main__\.Net; nothing of it was run\. .* save its state_dict\(\) instead$/,
  "zip-sparse.pth": /^it has tensors of a kind that is not read \(torch\._utils\._rebuild_sparse_tensor\)/,
  "zip-complex.pth": /^it has tensors of a kind that is not read \(torch\.ComplexDoubleStorage\)/,
  "zip-tensor.pth": /^it holds one tensor without a name, and no dict of tensors by their names$/,
  "zip-packed.pth": /^its zip archive is broken: "zip\/data\.pkl" is compressed or encrypted, .*; load it with torch and save it anew$/,
  "zip-script.pt": /^it is a program of TorchScript/,
};

for (const [name, tensors] of Object.entries(expected)) {
  if (Object.keys(tensors).length === 0) continue;
  test(`${name} reads as PyTorch reads it`, async () => {
    await using source = await fileSource(join(fixtures, name));
    const file = await openTorchFile(source);
    assert.deepEqual([...file.tensors.keys()], Object.keys(tensors), "names, in PyTorch's order");
    for (const [key, { dtype, shape, values }] of Object.entries(tensors)) {
      const tensor = file.tensors.get(key)!;
      assert.equal(tensor.dtype, DTYPES[dtype], key);
      assert.deepEqual(tensor.shape, shape);
      const bytes = await gatherTensor(source, tensor);
      assert.deepEqual(
        [...weightTensor(key, tensor, bytes).data].map(Number),
        values.map(dtype === "torch.float64" ? Math.fround : Number),
        key,
      );
      if (isContiguous(tensor)) assert.deepEqual(bytes, await source.read(tensor.offset, tensorBytes(tensor.dtype, shape)));
    }
  });
}

for (const [name, message] of Object.entries(refused)) {
  test(`${name} is refused`, async () => {
    await using source = await fileSource(join(fixtures, name));
    await assert.rejects(openTorchFile(source), { name: "TorchFileError", message });
  });
}

test("of several dicts of tensors the one that is named is taken", async () => {
  await using source = await fileSource(join(fixtures, "legacy-ambiguous.pth"));
  const { tensors, notes } = await openTorchFile(source, { part: "params_ema" });
  assert.deepEqual([...tensors.keys(), ...notes], ["w", 'the tensors of "params_ema" are taken; beside it is "params"']);
  await assert.rejects(
    openTorchFile(source, { part: "ema" }),
    /^TorchFileError: it holds no dict of tensors "ema", but "params" \(1 tensor\) and "params_ema"/,
  );
});

for (const kind of ["zip", "legacy"]) {
  test(`of a checkpoint (${kind}) the model is taken and not the optimiser, and what was done is said`, async () => {
    await using source = await fileSource(join(fixtures, `${kind}-checkpoint.pth`));
    const { notes } = await openTorchFile(source);
    assert.deepEqual(notes, [
      'the tensors of "state_dict" are taken; beside it are "epoch", "best", "args", "optimizer", "rng" and "numpy"',
      'all names begin with "module.", which a wrapper has put there, and are taken without it',
    ]);
  });

  test(`tied weights (${kind}) share their bytes`, async () => {
    await using source = await fileSource(join(fixtures, `${kind}-tied.pth`));
    const { tensors } = await openTorchFile(source);
    const { offset } = tensors.get("embedding.weight")!;
    assert.equal(tensors.get("head.weight")!.offset, offset);
    assert.equal(tensors.get("half")!.offset, offset + 2 * 2 * 4);
  });
}

test("an archive whose sizes and places are in 64 bits is read like any other", async () => {
  const file = await readFile(join(fixtures, "zip.pth"));
  const large = zip64Of(file);
  assert.deepEqual(await openTorchFile(bytesSource(large)), await openTorchFile(bytesSource(file)));
  const cut = Buffer.concat([large.subarray(0, -42), large.subarray(-22)]);
  await assert.rejects(openTorchFile(bytesSource(cut)), { rule: "archive", message: /its directory cannot be found$/ });
});

/** The same archive with every size and place where zip64 has them. */
function zip64Of(file: Buffer): Buffer {
  const end = file.length - 22;
  const [count, begin] = [file.readUInt16LE(end + 10), file.readUInt32LE(end + 16)];
  const entries: Buffer[] = [];
  for (let at = begin, i = 0; i < count; i++) {
    const [nameBytes, extraBytes] = [file.readUInt16LE(at + 28), file.readUInt16LE(at + 30)];
    const entry = Buffer.from(file.subarray(at, at + 46 + nameBytes));
    const field = Buffer.alloc(4 + 24);
    field.writeUInt16LE(1, 0);
    field.writeUInt16LE(24, 2);
    for (const [i, place] of [24, 20, 42].entries()) {
      field.writeBigUInt64LE(BigInt(entry.readUInt32LE(place)), 4 + 8 * i);
      entry.writeUInt32LE(0xffffffff, place);
    }
    // A field that nobody knows stands before it.
    const other = Buffer.from([0x99, 0x99, 1, 0, 7]);
    entry.writeUInt16LE(field.length + other.length, 30);
    entries.push(entry, other, field);
    at += 46 + nameBytes + extraBytes;
  }
  const directory = Buffer.concat(entries);
  const end64 = Buffer.alloc(56);
  end64.writeUInt32LE(0x06064b50, 0);
  end64.writeBigUInt64LE(BigInt(directory.length), 40);
  end64.writeBigUInt64LE(BigInt(begin), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(begin + directory.length), 8);
  const last = Buffer.from(file.subarray(end));
  last.writeUInt32LE(0xffffffff, 12);
  last.writeUInt32LE(0xffffffff, 16);
  return Buffer.concat([file.subarray(0, begin), directory, end64, locator, last]);
}

test("a tensor in C order is known by its strides, and any view is gathered as it would be element by element", async () => {
  const views = fc
    .array(fc.record({ size: fc.integer({ min: 0, max: 4 }), stride: fc.integer({ min: 0, max: 9 }) }), { maxLength: 4 })
    .map((axes) => ({ shape: axes.map(({ size }) => size), strides: axes.map(({ stride }) => stride) }));
  const bytes = new Uint8Array(256).map((_, i) => i);
  await fc.assert(
    fc.asyncProperty(views, fc.integer({ min: 0, max: 40 }), async ({ shape, strides }, offset) => {
      const walk = (axis: number, at: number): number[] =>
        axis === shape.length ? [at] : Array.from({ length: shape[axis]! }, (_, i) => walk(axis + 1, at + i * strides[axis]!)).flat();
      const places = walk(0, 0);
      const tensor = { dtype: "U8", shape, strides, offset } as const;
      assert.deepEqual([...(await gatherTensor(bytesSource(bytes), tensor))], places.map((place) => offset + place)); // biome-ignore format: a law
      assert.equal(isContiguous(tensor), places.every((place, i) => place === i)); // biome-ignore format: a law
    }),
  );
});

test("a file is known by its first bytes", async () => {
  for (const name of Object.keys(expected))
    assert.equal(torchFormat((await readFile(join(fixtures, name))).subarray(0, 16)), name.startsWith("zip") ? "zip" : "legacy");
  assert.equal(torchFormat(new Uint8Array()), undefined);
  await assert.rejects(
    openTorchFile(bytesSource(new Uint8Array(3))),
    (error: Error) => error instanceof TorchFileError && error.rule === "format",
  );
});
