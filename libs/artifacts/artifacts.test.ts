import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { catalogOf } from "./testing/catalog-of.ts";

test("a blob that arrives with other bytes is DATA_LOSS and names the blob, whole and streamed", async () => {
  await using catalog = await catalogOf({
    async *downloadBlob() {
      yield { chunk: new Uint8Array([1, 2, 3]) };
    },
  });
  const right = digestOf(new Uint8Array([1, 2, 3]));
  assert.deepEqual(await catalog.artifacts.download(right), new Uint8Array([1, 2, 3]));
  const wrong = digestOf("else");
  const isLoss = (error: unknown) => isRpcError(error, Code.DATA_LOSS, "BLOB_CORRUPTED") && error.metadata["digest"] === wrong;
  await assert.rejects(catalog.artifacts.download(wrong), isLoss);
  await assert.rejects(Array.fromAsync(catalog.artifacts.stream(wrong)), isLoss);
});

test("tensors that were damaged on the way, or that end early, are DATA_LOSS", async () => {
  const tensor = { name: "w", dtype: "U8", shape: [4n], fullShape: [4n], sizeBytes: 4n };
  let sent: readonly { data: Uint8Array; crc32: number }[] = [];
  await using catalog = await catalogOf({
    async *readTensors() {
      yield { part: { case: "header", value: { tensors: 1 } } };
      yield { part: { case: "tensor", value: tensor } };
      for (const value of sent) yield { part: { case: "chunk", value } };
    },
  });
  // CRC-32 of 1, 2 and of 3, 4, as Python's zlib says.
  sent = [
    { data: Uint8Array.of(1, 2), crc32: 0xb6cc4292 },
    { data: Uint8Array.of(3, 4), crc32: 0x6d998525 },
  ];
  const [read] = await Array.fromAsync(catalog.artifacts.tensors("sha256:0"));
  assert.deepEqual([...read!.data], [1, 2, 3, 4]);
  const whole = sent;
  sent = whole.slice(0, 1);
  const lost = (reason: string) => (error: unknown) => isRpcError(error, Code.DATA_LOSS, reason);
  await assert.rejects(Array.fromAsync(catalog.artifacts.tensors("sha256:0")), lost("STREAM_INCOMPLETE"));
  sent = [whole[0]!, { ...whole[1]!, data: Uint8Array.of(3, 5) }];
  await assert.rejects(Array.fromAsync(catalog.artifacts.tensors("sha256:0")), lost("CHUNK_DAMAGED"));
});
