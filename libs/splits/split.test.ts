import assert from "node:assert/strict";
import { test } from "node:test";
import { writeSafetensors } from "#libs/tensors";
import { decodeSplit, encodeSplit } from "./index.ts";

test("a split that is written is read, also one of many domains, of a domain without validation rows, and with names of any letters", async () => {
  const split = Array.from({ length: 12 }, (_, i) => ({
    domain: i === 3 ? 'a "domain"\nof two lines' : `domain ${i}`,
    training: Int32Array.from({ length: i }, (_, row) => 100 * i + row),
    validation: i === 5 ? new Int32Array(0) : Int32Array.of(i),
  }));
  assert.deepEqual(await decodeSplit(encodeSplit(split)), split);
  const tested = split.map((domain, i) => ({ ...domain, test: new Int32Array(i % 3).fill(200 + i) }));
  assert.deepEqual(await decodeSplit(encodeSplit(tested)), tested);
  const [first, ...others] = tested;
  await assert.rejects(
    decodeSplit(encodeSplit([first!, ...others.map(({ test: _, ...domain }) => domain)])),
    /no list of whole numbers \(I32\) test\.1/,
  );
});

for (const [what, metadata, message] of [
  ["of another format", { format: "pt" }, /has the format "pt"/],
  ["without domains", { format: "ratatouille-split/1" }, /no list of names of domains/],
  ["without rows", { format: "ratatouille-split/1", domains: '["art"]' }, /no list of whole numbers \(I32\) training\.0/],
] as const) {
  test(`a file ${what} is no split`, async () => {
    await assert.rejects(decodeSplit(writeSafetensors([], metadata)), { name: "SplitError", message });
  });
}
