import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesSource, writeSafetensors } from "#libs/tensors";
import { type Block, blocksOf, encodePrediction, openPrediction, type Prediction, planPrediction } from "./index.ts";

const rows = 7;
const prediction = (changes: Partial<Prediction> = {}): Prediction => ({
  classes: 2,
  domains: ["art", "photo"],
  logits: Float32Array.from({ length: 2 * rows }, (_, i) => i / 4),
  labels: Int32Array.from({ length: rows }, (_, i) => i % 2),
  rowDomains: Int32Array.from({ length: rows }, (_, i) => Number(i > 3)),
  rows: Int32Array.from({ length: rows }, (_, i) => 10 + i),
  ...changes,
});
const open = (changes: Partial<Prediction> = {}) => openPrediction(bytesSource(encodePrediction(prediction(changes))));
const fail = ({ index, problem }: { readonly index: number; readonly problem: string }) => new Error(`${index} ${problem}`);
const signal = new AbortController().signal;

test("a prediction that is written is read, whole and in part, from wherever it lies", async () => {
  const bytes = encodePrediction(prediction());
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  const opened = await openPrediction(bytesSource(shifted.subarray(1)));
  assert.deepEqual([opened.rows, opened.classes, opened.domains], [rows, 2, ["art", "photo"]]);
  assert.deepEqual(await opened.read("logits", 2, 4), Float32Array.of(1, 1.25, 1.5, 1.75));
  assert.deepEqual(await opened.read("rows", 5, 7), Int32Array.of(15, 16));
  assert.equal(planPrediction({ rows, classes: 2, domains: ["art", "photo"] }).size, bytes.length);
});

test("predictions are walked together, in blocks that have room for so many bytes of logits", async () => {
  const predictions = [await open(), await open({ logits: new Float32Array(2 * rows) })];
  const blocks: Block[] = [];
  // Three rows of two predictions of two classes.
  for await (const block of blocksOf(predictions, { blockBytes: 48, signal, fail })) blocks.push(block);
  assert.deepEqual(
    blocks.map((block) => block.rows),
    [3, 3, 1],
  );
  assert.deepEqual(blocks[1]?.labels, Int32Array.of(1, 0, 1));
  assert.deepEqual(blocks[1]?.domains, Int32Array.of(0, 1, 1));
  assert.deepEqual(blocks[2]?.logits, [Float32Array.of(3, 3.25), new Float32Array(2)]);
});

for (const [what, changes, message] of [
  [
    "of other rows",
    { rows: Int32Array.of(10, 11, 12, 13, 14, 15, 17) },
    /^Error: 1 is of other rows than the first: at 6 it has 17 in rows/,
  ],
  ["of other labels", { labels: new Int32Array(rows) }, /^Error: 1 is of other rows than the first: at 1 it has 0 in labels, the first 1$/],
  ["with NaN", { logits: new Float32Array(2 * rows).fill(Number.NaN, 9) }, /^Error: 1 has NaN among the logits of row 4; all have/],
] as const) {
  test(`a prediction ${what} is refused, and which one it is is said`, async () => {
    const walk = async () => {
      for await (const _ of blocksOf([await open(), await open(changes)], { blockBytes: 16, signal, fail }));
    };
    await assert.rejects(walk, message);
  });
}

test("labels and domains that are none are refused", async () => {
  const walk = async (changes: Partial<Prediction>) => {
    for await (const _ of blocksOf([await open(changes)], { blockBytes: 1000, signal, fail }));
  };
  await assert.rejects(() => walk({ labels: new Int32Array(rows).fill(2, 3) }), /0 has the label 2 in row 3; there are 2 classes/);
  await assert.rejects(() => walk({ rowDomains: new Int32Array(rows).fill(-1) }), /0 has the domain -1 in row 0; there are 2 domains/);
});

test("a walk that is aborted ends", async () => {
  const walk = async () => {
    for await (const _ of blocksOf([await open()], { blockBytes: 8, signal: AbortSignal.abort(), fail }));
  };
  await assert.rejects(walk, { name: "AbortError" });
});

const column = (name: string, count = rows) => ({ name, dtype: "I32" as const, shape: [count], data: new Uint8Array(4 * count) });
const logits = { name: "logits", dtype: "F32" as const, shape: [rows, 2], data: new Uint8Array(8 * rows) };
const metadata = { format: "ratatouille-prediction/1", domains: '["art"]' };
for (const [what, tensors, notes, message] of [
  ["of another format", [logits], { format: "pt" }, /has the format "pt" in its metadata; expected "ratatouille-prediction\/1"/],
  ["without domains", [logits], { format: metadata.format }, /no list of names of domains/],
  ["without logits", [column("labels")], metadata, /has no tensor logits/],
  ["without rows", [logits, column("labels"), column("domains")], metadata, /has no tensor rows/],
  ["with labels of other rows", [logits, column("labels", 3)], metadata, /has labels of I32 \[3\]; expected I32 \[7\]/],
] as const) {
  test(`a file ${what} is no prediction`, async () => {
    await assert.rejects(openPrediction(bytesSource(writeSafetensors([...tensors], notes))), { name: "PredictionError", message });
  });
}
