import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeIndex, nameOfRow } from "#libs/image-sets";
import { arithmetics, layerOf, mediaTypes, type Recipe, readManifest } from "#libs/recipes";
import { readRecordSet } from "#libs/record-sets";
import { importRecords } from "#libs/remote-images";
import { decodeSplit } from "#libs/splits";
import { temporaryDirectory } from "#libs/testing";
import { writeFolder } from "../../libs/image-sets/testing/image-folder.ts";
import { startSystem, startTrainer } from "./system.ts";

const { signal } = new AbortController();
const options = { licence: "CC0-1.0", source: "drawn", signal };
/** Lines of two classes; what several domains show has one item. */
const lines = (domain: string) =>
  Array.from({ length: 20 }, (_, i) => `${JSON.stringify({ label: i % 2 === 0 ? "even" : "odd", item: `i${i}`, domain, i })}\n`).join("");

test("a built-in trainer makes the data set and the splits of records, whose bytes everybody finds, and says that it trains on none", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path);
  await using _trainer = startTrainer(system.address, { RATATOUILLE_CACHE_DIR: directory.join("cache") });
  await writeFolder(directory.join("numbers"), { "a.jsonl": lines("a"), "b.jsonl": lines("b") });
  const set = await readRecordSet(directory.join("numbers"));
  const source = await importRecords(set, system.artifacts, options);
  const again = await importRecords(await readRecordSet(directory.join("numbers")), system.artifacts, options);
  assert.deepEqual([again.digest, again.sentBytes, source.sentBytes], [source.digest, 0, source.bytes]);

  const dataset = await system.make({ kind: "dataset", inputs: { source: source.digest }, parameters: { generator: "records/1" } });
  const { layers, licences } = readManifest((await system.artifacts.get(dataset)).manifest);
  const index = decodeIndex(await system.artifacts.download(layers[0]!.digest));
  assert.deepEqual(
    [licences, index.of, index.count, index.domains, index.classes],
    [["CC0-1.0"], "records", 40, ["a", "b"], ["even", "odd"]],
  );
  const [row, shard] = [37, index.shards[0]!];
  const bytes = await system.artifacts.read(shard.digest, { offset: index.offset[row]!, length: index.bytes[row]! });
  assert.deepEqual(JSON.parse(Buffer.from(bytes).toString()), { label: "odd", item: "i17", domain: "b", i: 17 });
  assert.equal(nameOfRow(index, row), "18");

  const held = await system.make({
    kind: "split",
    inputs: { dataset },
    parameters: { scheme: "items/1", fraction: 0.3, trial: 0, test: 0.3 },
  });
  const splitLayer = layerOf(readManifest((await system.artifacts.get(held)).manifest), mediaTypes.splitLayer);
  const [a, b] = await decodeSplit(await system.artifacts.download(splitLayer.digest));
  // An item is on one side in both domains.
  assert.deepEqual(
    [...b!.training],
    [...a!.training].map((own) => own + 20),
  );
  assert.ok(a!.test!.length > 0 && a!.test!.length < 20);

  const parameters = {
    ...{ network: { name: "mlp", size: 8 }, classes: 2, domains: ["a"], steps: 2, batch: 2 },
    ...{ optimiser: { name: "adam", learningRate: 0.01 } },
  };
  const training = (more: object): Recipe => ({
    ...{ kind: "train", inputs: { dataset }, seed: 1, arithmetic: arithmetics.training },
    parameters: { ...parameters, ...more },
  });
  await assert.rejects(system.make(training({}), { backend: "wasm" }), /parameters\.transform: is missing: .*images/);
  const transform = { training: "none/1", validation: "none/1" };
  await assert.rejects(
    system.make(training({ transform }), { backend: "wasm" }),
    /inputs\.dataset: is of records; this trainer has networks for images alone/,
  );
});
