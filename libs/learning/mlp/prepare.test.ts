import assert from "node:assert/strict";
import { test } from "node:test";
import { openBackend } from "../index.ts";
import { blobs, smallTraining } from "../testing/examples.ts";
import { prepare } from "./prepare.ts";

test("the features of a large data set are computed in steps", async () => {
  const backend = await openBackend("wasm");
  const { parameters, weights } = smallTraining(backend, { train: "head" });
  const dataset = blobs(1, 5000, 4, 10);
  const steps = prepare(backend, parameters, weights, [dataset]);
  let count = 0;
  for (let next = steps.next(); !next.done; next = steps.next()) count += 1;
  assert.ok(count >= 10, `${count} steps for 5000 rows`);
});
