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
