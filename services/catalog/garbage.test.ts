import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { type Digest, digestOf, mediaTypes } from "#libs/recipes";
import { Code } from "#libs/rpc";
import { averageOf, buildAverage, buildSource, bytesOf, type CatalogFixture, refusal, startCatalog, weightsOf } from "./testing/system.ts";

const HOUR_MS = 3_600_000;

/** A graph to publish: for each artifact its inputs among the earlier ones and the number of its blob; and who needs what. */
type Graph = {
  nodes: { inputs: number[]; blob: number }[];
  refs: number[];
  pins: number[];
  orphans: number[];
};

const graphs: fc.Arbitrary<Graph> = fc
  .array(fc.record({ inputs: fc.array(fc.nat(), { maxLength: 3 }), blob: fc.nat(5) }), { minLength: 1, maxLength: 9 })
  .chain((drafts) => {
    const index = fc.array(fc.nat(drafts.length - 1), { maxLength: 2 });
    const nodes = drafts.map(({ inputs, blob }, position) => ({
      inputs: position === 0 ? [] : [...new Set(inputs.map((input) => input % position))],
      blob,
    }));
    return fc.record({
      nodes: fc.constant(nodes),
      refs: index,
      pins: index,
      orphans: fc.array(fc.integer({ min: 20, max: 25 }), { maxLength: 2 }),
    });
  });

/** The artifacts that roots need, themselves and through inputs: the specification, by plain recursion. */
function needed({ nodes }: Graph, roots: readonly number[]): Set<number> {
  const found = new Set<number>();
  const visit = (node: number): void => {
    if (found.has(node)) return;
    found.add(node);
    for (const input of nodes[node]?.inputs ?? []) visit(input);
  };
  roots.forEach(visit);
  return found;
}

async function publishGraph({ artifacts, client }: CatalogFixture, graph: Graph): Promise<Digest[]> {
  const digests: Digest[] = [];
  for (const [position, { inputs, blob }] of graph.nodes.entries()) {
    const content = weightsOf(100 + blob);
    const built =
      inputs.length === 0
        ? await buildSource(artifacts, position, content)
        : await buildAverage(
            artifacts,
            averageOf(
              inputs.map((input) => digests[input] as Digest),
              `tensor ${position}`,
            ),
            content,
          );
    digests.push((await artifacts.publish(built)).digest as Digest);
  }
  for (const [index, node] of graph.refs.entries()) await client.moveRef({ name: `ref-${index}`, to: digests[node] as Digest });
  await client.pin({ holder: "run/1", digests: graph.pins.map((node) => digests[node] as Digest) });
  for (const orphan of graph.orphans) await artifacts.upload(bytesOf(orphan), { mediaType: mediaTypes.weights });
  return digests;
}

async function listed({ client }: CatalogFixture): Promise<string[]> {
  return (await client.listArtifacts({ pageSize: 500 })).artifacts.map(({ digest }) => digest).sort();
}

test("nothing that is needed goes, everything old that is not does", async () => {
  await fc.assert(
    fc.asyncProperty(graphs, async (graph) => {
      await using catalog = await startCatalog();
      const digests = await publishGraph(catalog, graph);
      const keep = needed(graph, [...graph.refs, ...graph.pins]);
      const kept = digests.filter((_, node) => keep.has(node)).sort();
      const blobsKept = new Set([...keep].map((node) => digestOf(weightsOf(100 + (graph.nodes[node]?.blob ?? 0)))));
      const blobs = new Set([
        ...graph.nodes.map(({ blob }) => digestOf(weightsOf(100 + blob))),
        ...graph.orphans.map((n) => digestOf(bytesOf(n))),
      ]);

      // Everything is young.
      const early = await catalog.client.collectGarbage({});
      assert.deepEqual([early.artifacts, early.blobs], [[], []]);

      catalog.clock.aheadMs = 2 * HOUR_MS;
      const plan = await catalog.client.collectGarbage({ dryRun: true });
      assert.deepEqual(await listed(catalog), [...digests].sort(), "a dry run deletes nothing");
      const done = await catalog.client.collectGarbage({});
      assert.deepEqual([done.artifacts, done.blobs, done.freedBytes], [plan.artifacts, plan.blobs, plan.freedBytes]);
      assert.deepEqual([...done.artifacts].sort(), digests.filter((_, node) => !keep.has(node)).sort());
      assert.deepEqual(await listed(catalog), kept);
      for (const blob of blobs) assert.equal(existsSync(catalog.blobPath(blob)), blobsKept.has(blob), blob);
      assert.ok(done.freedBytes >= 64n * BigInt([...blobs].filter((blob) => !blobsKept.has(blob)).length));
      for (const digest of kept) assert.equal((await catalog.artifacts.get(digest)).damaged, false);

      // Without refs and pins nothing is left.
      await catalog.client.unpin({ holder: "run/1" });
      for (const [index, node] of graph.refs.entries())
        await catalog.client.moveRef({ name: `ref-${index}`, from: digests[node] as Digest });
      await catalog.client.collectGarbage({});
      assert.deepEqual(await listed(catalog), []);
      for (const blob of blobs) assert.equal(existsSync(catalog.blobPath(blob)), false);
    }),
    { numRuns: 12 },
  );
});

test("what was published or uploaded again is young again", async () => {
  await using catalog = await startCatalog();
  const { artifacts, client } = catalog;
  const built = await buildSource(artifacts, 1);
  await artifacts.publish(built);
  await artifacts.publish(await buildSource(artifacts, 2));
  catalog.clock.aheadMs = 2 * HOUR_MS;
  await artifacts.publish(built);
  const { artifacts: gone, blobs, youngArtifacts, youngBlobs, youngBytes } = await client.collectGarbage({});
  assert.equal(gone.length, 1);
  assert.deepEqual(blobs, [digestOf(bytesOf(2))]);
  // The artifact itself, its file of 64 bytes and its config of 2: nothing needs them but their youth.
  assert.deepEqual([youngArtifacts, youngBlobs, youngBytes], [1, 2, 66n]);
  assert.equal((await artifacts.get(built.digest)).damaged, false);
});

test("an upload in progress survives a collection", async () => {
  await using catalog = await startCatalog();
  catalog.clock.aheadMs = 2 * HOUR_MS;
  async function* slow() {
    yield bytesOf(1, 500_000);
    await catalog.client.collectGarbage({ minAgeSeconds: 1n });
    yield bytesOf(2, 500_000);
  }
  const { digest } = await catalog.artifacts.upload(slow(), { mediaType: mediaTypes.weights });
  assert.equal((await catalog.artifacts.download(digest)).length, 1_000_000);
});

test("pins are all or nothing, and wrong requests are refused", async () => {
  await using catalog = await startCatalog();
  const { artifacts, client } = catalog;
  const { digest } = await artifacts.publish(await buildSource(artifacts, 1));
  const missing = await refusal(client.pin({ holder: "run/1", digests: [digest, digestOf("else")] }), Code.NOT_FOUND, "ARTIFACT_NOT_FOUND");
  assert.equal(missing.metadata["digest"], digestOf("else"));
  catalog.clock.aheadMs = 2 * HOUR_MS;
  assert.deepEqual((await client.collectGarbage({ dryRun: true })).artifacts, [digest]);
  await client.pin({ holder: "run/1", digests: [digest] });
  await client.pin({ holder: "run/1", digests: [digest] });
  await client.unpin({ holder: "run/2" });
  assert.deepEqual((await client.collectGarbage({})).artifacts, []);

  for (const [field, call] of [
    ["holder", client.pin({ holder: "", digests: [digest] })],
    ["holder", client.unpin({ holder: "" })],
    ["digests[0]", client.unpin({ holder: "run/1", digests: ["x"] })],
    ["digests[1]", client.pin({ holder: "run/1", digests: [digest, "x"] })],
    ["min_age_seconds", client.collectGarbage({ minAgeSeconds: -1n })],
  ] as const) {
    const error = await refusal(call, Code.INVALID_ARGUMENT, "INVALID_FIELD");
    assert.equal(error.violations[0]?.field, field);
  }
});

test("a pinned blob stays without an artifact, as checkpoints do", async () => {
  await using catalog = await startCatalog();
  const { digest } = await catalog.artifacts.upload(bytesOf(7), { mediaType: mediaTypes.weights });
  const other = await catalog.artifacts.upload(bytesOf(8), { mediaType: mediaTypes.weights });
  await catalog.client.pin({ holder: "job/1", digests: [digest, other.digest] });
  catalog.clock.aheadMs = 2 * HOUR_MS;
  assert.deepEqual((await catalog.client.collectGarbage({})).blobs, []);
  await catalog.client.unpin({ holder: "job/2", digests: [digest] });
  await catalog.client.unpin({ holder: "job/1", digests: [other.digest, digestOf("else")] });
  assert.deepEqual((await catalog.client.collectGarbage({})).blobs, [other.digest]);
  await catalog.client.unpin({ holder: "job/1" });
  assert.deepEqual((await catalog.client.collectGarbage({})).blobs, [digest]);
});

test("a blob that is let go of for good is gone at once, unless an artifact or another pin needs it", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const upload = (text: string) => artifacts.upload(Buffer.from(text), { mediaType: mediaTypes.sourceLayer });
  const [first, second, shared] = [await upload("first"), await upload("second"), await upload("shared")];
  const isThere = ({ digest }: { digest: string }) =>
    artifacts.download(digest).then(
      () => true,
      () => false,
    );
  const used = await upload("used");
  await artifacts.publish(await buildSource(artifacts, 1, Buffer.from("used")));
  await client.pin({ holder: "job/1", digests: [first, second, shared, used].map(({ digest }) => digest) });
  await client.pin({ holder: "job/2", digests: [shared.digest] });
  await client.unpin({ holder: "job/1", digests: [first.digest, digestOf("never pinned")], discard: true });
  assert.deepEqual([await isThere(first), await isThere(second)], [false, true]);
  await client.unpin({ holder: "job/1", discard: true });
  assert.deepEqual([await isThere(second), await isThere(shared), await isThere(used)], [false, true, true]);
  await client.unpin({ holder: "job/2" });
  assert.ok(await isThere(shared));
});
