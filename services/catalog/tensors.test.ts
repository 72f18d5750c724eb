import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { buildModelManifest, type Digest, mediaTypes } from "#libs/recipes";
import { Code } from "#libs/rpc";
import { type TensorData, writeSafetensors } from "#libs/tensors";
import { averageOf, buildSource, type CatalogFixture, refusal, startCatalog } from "./testing/system.ts";

const MIB = 1 << 20;
const ROWS = 600;
const COLUMNS = 1024;
/** Different numbers everywhere. */
const numbers = (count: number) => new Uint8Array(Float32Array.from({ length: count }, (_, i) => i + 0.5).buffer);

const tensors: readonly TensorData[] = [
  { name: "layer1.weight", dtype: "F32", shape: [ROWS, COLUMNS], data: numbers(ROWS * COLUMNS) },
  { name: "layer1.bias", dtype: "F32", shape: [ROWS], data: numbers(ROWS) },
  { name: "layer2.bias", dtype: "F32", shape: [3], data: numbers(3) },
  { name: "layer2.count", dtype: "I64", shape: [], data: new Uint8Array(8).fill(7) },
  { name: "layer2.none", dtype: "F32", shape: [0, 4], data: new Uint8Array(0) },
];

async function publishModel(catalog: CatalogFixture): Promise<{ digest: string; weights: Digest; file: Uint8Array }> {
  const source = await catalog.artifacts.publish(await buildSource(catalog.artifacts, 1));
  const file = writeSafetensors(tensors, { format: "pt" });
  const weights = await catalog.artifacts.upload(file, { mediaType: mediaTypes.weights });
  const recipe = averageOf([source.digest as Digest], "x");
  const { digest } = await catalog.artifacts.publish(
    buildModelManifest({ recipe, licences: [], weights, architecture: "mlp", parameterCount: 1 }),
  );
  return { digest, weights: weights.digest, file };
}

test("tensors are read by name, by pattern and by slice, with the bytes that the file has", async () => {
  await using catalog = await startCatalog();
  const { digest, weights, file } = await publishModel(catalog);
  const read = (select?: Parameters<CatalogFixture["artifacts"]["tensors"]>[1]) =>
    Array.fromAsync(catalog.artifacts.tensors(digest, select));

  const all = new Map((await read()).map((tensor) => [tensor.name, tensor]));
  assert.equal(all.size, tensors.length);
  for (const { name, dtype, shape, data } of tensors) {
    assert.deepEqual([all.get(name)?.dtype, all.get(name)?.shape], [dtype, shape]);
    assert.ok(Buffer.from(data).equals(all.get(name)!.data), name);
  }

  assert.deepEqual((await read({ select: ["*.bias", "layer2.*"] })).map(({ name }) => name).sort(), [
    "layer1.bias",
    "layer2.bias",
    "layer2.count",
    "layer2.none",
  ]);

  const floats = (data: Uint8Array) => [...new Float32Array(data.buffer, 0, data.length / 4)];
  const [weight] = await read({ select: [{ name: "layer1.weight", slices: [{ begin: 2, end: 4 }, { begin: 1022 }] }, "*.weight"] });
  assert.deepEqual(
    [weight?.shape, weight?.fullShape],
    [
      [2, 2],
      [ROWS, COLUMNS],
    ],
  );
  assert.deepEqual(
    floats(weight!.data),
    [2, 3].flatMap((row) => [1022, 1023].map((column) => row * COLUMNS + column + 0.5)),
  );
  // One column of all rows; and all but one, which is more than one chunk.
  const [column] = await read({ select: [{ name: "layer1.weight", slices: [{ begin: 0 }, { begin: 5, end: 6 }] }] });
  assert.deepEqual(
    floats(column!.data),
    Array.from({ length: ROWS }, (_, row) => row * COLUMNS + 5.5),
  );
  const [most] = await read({ select: [{ name: "layer1.weight", slices: [{ begin: 0 }, { begin: 1 }] }] });
  assert.deepEqual(
    floats(most!.data),
    floats(tensors[0]!.data).filter((_, i) => i % COLUMNS !== 0),
  );

  // What is said of them, and where they lie in the blob.
  const described = await Array.fromAsync(
    catalog.client.readTensors(
      { artifact: { case: "digest", value: digest }, tensors: [{ name: "layer1.*" }], describeOnly: true },
      { timeoutMs: 10_000 },
    ),
  );
  const [header, ...infos] = described.map(({ part }) => part.value as never as { [name: string]: unknown });
  assert.deepEqual(
    [header?.["artifact"], header?.["blob"], header?.["metadata"], header?.["tensors"], header?.["sizeBytes"]],
    [digest, weights, { format: "pt" }, 2, BigInt(4 * ROWS * (COLUMNS + 1))],
  );
  assert.equal(infos.length, 2);
  for (const info of infos) {
    const [offset, size] = [Number(info["blobOffset"]), Number(info["sizeBytes"])];
    const data = tensors.find(({ name }) => name === info["name"])!.data;
    assert.ok(Buffer.from(data).equals(file.subarray(offset, offset + size)));
    assert.ok(Buffer.from(data).equals(await catalog.artifacts.read(weights, { offset, length: size })));
  }
  for await (const { part } of catalog.client.readTensors({ artifact: { case: "digest", value: digest } }, { timeoutMs: 10_000 }))
    if (part.case === "chunk") assert.ok(part.value.data.length <= MIB && part.value.data.length > 0);
});

test("what is not there, what lies outside and what has no tensors is refused with its field", async () => {
  await using catalog = await startCatalog();
  const { digest, weights } = await publishModel(catalog);
  const source = await catalog.artifacts.publish(await buildSource(catalog.artifacts, 2));
  const read = (request: Parameters<CatalogFixture["client"]["readTensors"]>[0]) =>
    Array.fromAsync(catalog.client.readTensors({ artifact: { case: "digest", value: digest }, ...request }, { timeoutMs: 10_000 }));
  const { INVALID_ARGUMENT, NOT_FOUND } = Code;
  const unknown = await refusal(read({ tensors: [{ name: "layer1.bias" }, { name: "layer1.wieght" }] }), NOT_FOUND, "TENSOR_NOT_FOUND");
  assert.match(unknown.message, /tensors\[1\]\.name: no tensor is "layer1.wieght": did you mean layer1.weight/);
  await refusal(read({ tensors: [{ name: "encoder.*" }] }), NOT_FOUND, "TENSOR_NOT_FOUND");
  for (const [request, field] of [
    [{ artifact: { case: undefined } }, "artifact"],
    [{ artifact: { case: "digest", value: source.digest } }, "artifact"],
    [{ artifact: { case: "recipeKey", value: "x" } }, "recipe_key"],
    [{ tensors: [{ name: "" }] }, "tensors[0].name"],
    [{ tensors: [{ name: "layer1.bias", slices: [{ begin: -1n }] }] }, "tensors[0].slices[0].begin"],
    [{ tensors: [{ name: "layer1.bias", slices: [{ begin: 0n, end: BigInt(ROWS + 1) }] }] }, "tensors[0].slices"],
    [{ tensors: [{ name: "layer1.bias", slices: [{}, {}] }] }, "tensors[0].slices"],
    [{ tensors: Array.from({ length: 10_001 }, () => ({ name: "layer1.bias" })) }, "tensors"],
    [{ tensors: Array.from({ length: 101 }, () => ({ name: "*" })) }, "tensors[100].name"],
  ] as const) {
    const { violations } = await refusal(read(request as never), INVALID_ARGUMENT, "INVALID_FIELD");
    assert.deepEqual(
      violations.map((violation) => violation.field),
      [field],
    );
  }
  await refusal(read({ artifact: { case: "ref", value: "no/such" } }), NOT_FOUND, "REF_NOT_FOUND");

  await writeFile(catalog.blobPath(weights), new Uint8Array(8 * MIB));
  await refusal(read({}), NOT_FOUND, "ARTIFACT_DAMAGED");
});
