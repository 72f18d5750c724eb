import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeIndex, encodePng, packImages } from "#libs/image-sets";
import { digestOf, mediaTypes } from "#libs/recipes";
import { planRun } from "../plan/planners.ts";
import { exampleStudy } from "../testing/plans.ts";
import { startSystem } from "../testing/system.ts";
import { describeTask } from "./describe-task.ts";

const signal = new AbortController().signal;

test("a report says how many items of each held-out domain are held out, and how many images show them", async () => {
  await using system = await startSystem();
  const image = (domain: string, label: string, item: number) => ({
    ...{ domain, class: label, name: `${item}.png` },
    content: { make: () => encodePng({ width: 1, height: 1, channels: 1, data: Uint8Array.of(item) }) },
  });
  const packing = packImages(
    ["art", "photo", "sketch"].flatMap((domain) =>
      // Of the items 0 to 9 a share of 0.2 holds out 7 and 8.
      ["jay", "owl"].flatMap((label) => Array.from({ length: domain === "sketch" ? 8 : 10 }, (_, item) => image(domain, label, item))),
    ),
    { classes: ["jay", "owl"] },
  );
  for await (const { bytes } of packing.shards) assert.ok(bytes > 0);
  const { digest } = await system.artifacts.upload(encodeIndex(packing.index()), { mediaType: mediaTypes.datasetLayer });
  const plan = planRun(exampleStudy({ heldOutItems: 0.2 }));
  const outcomes = new Map([["data/target", { state: "done", digest: digestOf("data set"), data: digest } as const]]);
  assert.deepEqual((await describeTask(plan, outcomes, system.artifacts, signal)).heldOutItems, {
    share: 0.2,
    domains: [
      { domain: "photo", items: 2, images: 4 },
      { domain: "sketch", items: 1, images: 2 },
    ],
  });
  const without = planRun(exampleStudy());
  assert.equal(await describeTask(without, outcomes, system.artifacts, signal), without.task);
});
