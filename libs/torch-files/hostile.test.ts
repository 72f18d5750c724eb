import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { type ByteSource, bytesSource } from "#libs/tensors";
import type { TorchFileRule } from "./errors.ts";
import { gatherTensor, openTorchFile, TorchFileError } from "./index.ts";
import { dictOf, global, int, legacyFile, type Part, p, storage, text, tuple } from "./testing/pickles.ts";

const fixtures = join(import.meta.dirname, "../../test/fixtures/torch-files");
const rebuild = global("torch._utils", "_rebuild_tensor_v2");
const none = tuple();

/** `_rebuild_tensor_v2(storage of 6 elements, offset, size, stride, False, OrderedDict())` */
const tensor = (offset: Part, size: Part, stride: Part): Uint8Array =>
  p(rebuild, tuple(storage(6), offset, size, stride, 0x89, global("collections", "OrderedDict"), ")R"), "R");

const open = (pickle: Uint8Array) => {
  const storages = Buffer.from(pickle).includes("storage") ? { 0: [1, 2, 3, 4, 5, 6] } : {};
  return openTorchFile(bytesSource(legacyFile(pickle, storages)));
};

test("a storage that is a part of another one, as before PyTorch 0.4", async () => {
  const part = (offset: number, size: number) => {
    const view = tuple(text("1"), int(offset), int(size));
    const id = tuple(text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"), int(6), view);
    return dictOf("w", rebuild, tuple([id, "Q"], int(1), tuple(int(2)), tuple(int(1)), 0x89, "}"), "R");
  };
  const file = legacyFile(part(2, 4), { 0: [1, 2, 3, 4, 5, 6] });
  const { tensors } = await openTorchFile(bytesSource(file));
  assert.deepEqual([...new Float32Array((await gatherTensor(bytesSource(file), tensors.get("w")!)).slice().buffer)], [4, 5]);
  await assert.rejects(open(part(3, 4)), /a part of its storage 0 is not in it/);
  await assert.rejects(open(part(4, 2)), /ends at element 2 of a storage that has 2/);
});

test("what is well made is read", async () => {
  const { tensors } = await open(dictOf("w", tensor(int(1), tuple(int(2)), tuple(int(3)))));
  assert.deepEqual([...tensors], [["w", { dtype: "F32", shape: [2], strides: [3], offset: tensors.get("w")!.offset }]]);
});

const attacks: readonly (readonly [string, Uint8Array, TorchFileRule, RegExp])[] = [
  ["os.system by REDUCE", dictOf("w", global("os", "system"), tuple(text("id")), "R"), "call", /^it wants to call os\.system; nothing of it was run$/],
  ["posix.system by INST", dictOf("w", "(", text("id"), "iposix\nsystem\n"), "call", /call os\.system \(posix\.system\)/],
  ["subprocess by STACK_GLOBAL", dictOf("w", text("subprocess"), text("Popen"), 0x93), "call", /call subprocess\.Popen/],
  ["eval by OBJ", dictOf("w", "(", global("builtins", "eval"), text("1"), "o"), "call", /call builtins\.eval/],
  ["eval of Python 2", dictOf("w", global("__builtin__", "eval")), "call", /call builtins\.eval/],
  ["getattr, the way to everything", dictOf("w", global("builtins", "getattr")), "call", /call builtins\.getattr/],
  ["a name below an allowed one", dictOf("w", global("collections", "OrderedDict.fromkeys")), "call", /call collections\.OrderedDict\.fromkeys/],
  ["an attribute of an allowed module", dictOf("w", text("torch._utils"), text("_rebuild_tensor_v2.__globals__"), 0x93), "call", /__globals__/],
  ["names of Object's prototype", dictOf("w", global("torch", "constructor")), "call", /call torch\.constructor/],
  ["a pickle in a pickle", dictOf("w", global("torch.storage", "_load_from_bytes")), "call", /call torch\.storage\._load_from_bytes/],
  ["a name with control characters", dictOf("w", text("os\u001b[2J"), text("x\u202e"), 0x93), "call", /^it wants to call os\uFFFD\[2J\.x\uFFFD;/],
  ["a class whose whole module was saved", dictOf("w", global("torchvision.models.resnet", "ResNet")), "call", /save its state_dict\(\) instead$/],
  ["a type that is called", dictOf("w", global("builtins", "int"), tuple(text("1")), "R"), "call", /call builtins\.int/],
  ["a call of a text", dictOf("w", text("os.system"), none, "R"), "call", /call what is no function/],
  ["a tensor made by another function", dictOf("w", global("torch._tensor", "_rebuild_from_type_v2"), tuple(global("collections", "OrderedDict"), global("torch", "Tensor"), none, "}"), "R"), "storage", /made of what makes none/],
  ["state of a function", dictOf("w", rebuild, "}b"), "pickle", /sets the state of torch\._utils\._rebuild_tensor_v2/],
  ["a tensor without arguments", dictOf("w", rebuild, none, "R"), "storage", /has no storage/],
  ["a tensor of texts", dictOf("w", rebuild, tuple(text("0"), int(0), none, none), "R"), "storage", /has no storage/],
  ["a negative offset", dictOf("w", tensor(int(-1), none, none)), "storage", /the offset of a tensor/],
  ["a negative size", dictOf("w", tensor(int(0), tuple(int(-2)), tuple(int(1)))), "storage", /the shape of a tensor/],
  ["a negative stride", dictOf("w", tensor(int(5), tuple(int(2)), tuple(int(-1)))), "storage", /the strides of a tensor/],
  ["more sizes than strides", dictOf("w", tensor(int(0), tuple(int(1), int(1)), tuple(int(1)))), "storage", /do not fit/],
  ["65 dimensions", dictOf("w", tensor(int(0), tuple(...Array(65).fill(int(1))), tuple(...Array(65).fill(int(1))))), "storage", /65 dimensions/],
  ["a tensor beyond its storage", dictOf("w", tensor(int(0), tuple(int(7)), tuple(int(1)))), "storage", /ends at element 6 of a storage that has 6/],
  ["a stride beyond its storage", dictOf("w", tensor(int(0), tuple(int(2)), tuple(int(2 ** 31 - 1)))), "storage", /of a storage that has 6/],
  ["a tensor of 2^60 elements", dictOf("w", tensor(int(0), tuple(int(2 ** 30), int(2 ** 30)), tuple(int(0), int(0)))), "tensor", /more elements than can be counted/],
  ["a tensor of one element a billion times", dictOf("w", tensor(int(0), tuple(int(1e9)), tuple(int(0)))), "limit", /would have 4000000000 bytes/],
  ["a storage in a text", dictOf("w", text("os.system"), "Q"), "storage", /no storage/],
  ["a storage of another kind", dictOf("w", tuple(text("file"), text("/etc/passwd")), "Q"), "storage", /no storage \(file\)/],
  ["a module with its source", dictOf("w", tuple(text("module"), text("x"), text("y"), text("z")), "Q"), "call", /save its state_dict\(\)/],
  ["a storage of what is no storage class", dictOf("w", tuple(text("storage"), global("torch", "Size"), text("0"), text("cpu"), int(1)), "Q"), "storage", /no storage/],
  ["a storage of two sizes", p(0x80, 2, "}", text("a"), storage(6), "s", text("b"), storage(7), "s."), "storage", /two sizes/],
  ["a storage that is longer than the file says", dictOf("w", storage(7)), "storage", /has 6 elements, and should have 7/],
  ["an opcode of the extension registry", dictOf("w", 0x82, 1), "pickle", /opcode 0x82 at byte \d+, which PyTorch does not write/],
  ["a buffer outside of the pickle", dictOf("w", 0x97), "pickle", /opcode 0x97/],
  ["a persistent id in text", dictOf("w", "Pos.system\n"), "pickle", /opcode 0x50/],
  ["an integer of a million digits", p(0x80, 2, 0x8b, [0x40, 0x42, 0x0f, 0], "."), "limit", /an integer of 1000000 bytes/],
  ["a value that nobody remembers", p(0x80, 2, "h", 9, "."), "pickle", /refers to value 9/],
  ["an empty stack", p(0x80, 2, "."), "pickle", /takes from an empty stack/],
  ["no mark", p(0x80, 2, "t."), "pickle", /no mark/],
  ["protocol 9", p(0x80, 9, "}."), "pickle", /protocol 9/],
  ["a text of 4 GB", p(0x80, 2, "X", [0xff, 0xff, 0xff, 0xff], "a"), "truncated", /^it ends in the middle/],
  ["a text of 2^63 bytes", p(0x80, 2, 0x8d, [0, 0, 0, 0, 0, 0, 0, 0x80], "a"), "truncated", /^it ends in the middle/],
  ["a text that is not UTF-8", p(0x80, 2, 0x8c, 1, 0xff, "."), "pickle", /not UTF-8/],
  ["nothing", p(0x80, 2, "N."), "no-tensors", /a plain value/],
  ["a dict without tensors", dictOf("w", int(1)), "no-tensors", /holds a dict, and no dict of tensors/],
]; // biome-ignore format: a table

for (const [what, pickle, rule, message] of attacks) {
  test(`${what} is refused`, async () => {
    await assert.rejects(open(pickle), (error) => {
      assert.ok(error instanceof TorchFileError, String((error as Error).stack));
      assert.equal(error.rule, rule, error.message);
      assert.match(error.message, message);
      return true;
    });
  });
}

for (const [name, call] of [
  ["zip-system.pth", /call os\.system \(posix\.system\); nothing of it was run/],
  ["legacy-eval.pth", /call builtins\.eval/],
] as const) {
  test(`${name}, which torch would run, is refused`, async () => {
    await assert.rejects(openTorchFile(bytesSource(await readFile(join(fixtures, name)))), call);
  });
}

test("dicts in dicts, all of them each other's values, end soon", async () => {
  // Each level has the one before twice: 2^60 ways through, 60 dicts.
  const levels = Array.from({ length: 60 }, (_, i) => [
    "}q",
    i,
    text("a"),
    "h",
    Math.max(0, i - 1),
    "s",
    text("b"),
    "h",
    Math.max(0, i - 1),
    "s",
  ]);
  await assert.rejects(open(p(0x80, 2, ...levels, ".")), /no dict of tensors|several/);
  // A dict that holds itself, and a list that holds itself a hundred thousand times.
  await assert.rejects(open(p(0x80, 2, "}q", 0, text("a"), "h", 0, "s.")), /no dict of tensors/);
  await assert.rejects(open(p(0x80, 2, "]q", 0, "(", Buffer.from("h\0".repeat(1e5), "latin1"), "e.")), /no dict of tensors/);
});

test("calls that copy what is large, again and again, reach a limit", async () => {
  const copy = p(global("builtins", "set"), "h", 0, 0x85, "R0");
  const bomb = p(0x80, 2, "](", Buffer.from("N".repeat(20_000), "latin1"), "eq", 0, ...Array<Uint8Array>(2000).fill(copy), ".");
  await assert.rejects(open(bomb), { rule: "limit" });
});

test("lists in lists with 2^60 ways through are not looked into where a name is expected", async () => {
  const levels = ["(]q", 0, ...Array.from({ length: 60 }, (_, i) => ["](h", i, "h", i, "eq", i + 1]), "1"];
  await assert.rejects(open(p(0x80, 2, ...levels, "h", 60, 0x85, "Q.")), /no storage \(without a name\)$/);
  const weights = tensor(int(0), tuple(int(2)), tuple(int(1)));
  const file = legacyFile(p(0x80, 2, ...levels, "}h", 60, "Ns", int(7), "Ns", text("w"), weights, "s."), { 0: [1, 2, 3, 4, 5, 6] });
  const { notes } = await openTorchFile(bytesSource(file));
  assert.deepEqual(notes, ["a key that is no text and 7 in it are no tensors, and left out"]);
});

/** Whatever the bytes are: a TorchFileError with a short message, or tensors that can be read. */
async function survive(bytes: Uint8Array): Promise<void> {
  let largest = 0;
  const inner = bytesSource(bytes);
  const source: ByteSource = {
    size: inner.size,
    read(offset, length) {
      largest = Math.max(largest, length);
      return inner.read(offset, length);
    },
  };
  try {
    const { tensors } = await openTorchFile(source);
    for (const each of tensors.values()) await gatherTensor(source, each);
  } catch (error) {
    assert.ok(error instanceof TorchFileError, `${error instanceof Error ? error.stack : error}`);
    assert.ok(error.message.length < 2500, `a message of ${error.message.length} characters`);
  }
  assert.ok(largest <= bytes.length);
}

const files = await Promise.all(
  ["zip.pth", "legacy.pth", "zip-checkpoint.pth", "legacy-types.pth", "zip-strides.pth"].map((name) => readFile(join(fixtures, name))),
);

test("files that end anywhere", async () => {
  for (const file of files.slice(0, 2))
    for (let length = 0; length < file.length; length++) {
      await assert.rejects(openTorchFile(bytesSource(file.subarray(0, length))), TorchFileError);
    }
});

test("files with bytes changed, at any place", async () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...files), changes, async (file, places) => {
      const changed = new Uint8Array(file);
      for (const [at, value] of places) changed[at % changed.length] = value;
      await survive(changed);
    }),
    { numRuns: 1500 },
  );
});

test("pickles of any opcodes", async () => {
  const parts = fc.oneof(
    fc.constantFrom(
      ..."()}]NtesuqhR.0bQ2dlo".split("").map((opcode) => p(opcode)),
      p(0x85),
      p(0x86),
      p(0x94),
      p(0x93),
      p(0x8f),
      p(0x90),
      p(0x81),
    ),
    fc
      .constantFrom(text("state_dict"), text("w"), rebuild, global("collections", "OrderedDict"), storage(6), tensor(int(0), none, none))
      .map((part) => p(part)),
    fc.uint8Array({ minLength: 1, maxLength: 3 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(parts, { maxLength: 40 }), (pickle) =>
      survive(legacyFile(p(0x80, 2, ...pickle, "."), { 0: [1, 2, 3, 4, 5, 6] })),
    ),
    { numRuns: 3000 },
  );
});
