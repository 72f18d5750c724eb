import assert from "node:assert/strict";
import { test } from "node:test";
import { buildModelManifest, type Digest, mediaTypes, type Recipe } from "#libs/recipes";
import { Code } from "#libs/rpc";
import { saveFloat32 } from "#libs/tensors";
import { averageOf, buildSource, type CatalogFixture, refusal, startCatalog } from "../testing/system.ts";

type Tensors = { readonly [name: string]: readonly number[] };

async function model({ artifacts }: CatalogFixture, recipe: Recipe, tensors: Tensors, accuracy: number): Promise<Digest> {
  const content = saveFloat32(
    new Map(Object.entries(tensors).map(([name, data]) => [name, { shape: [data.length], data: Float32Array.from(data) }])),
  );
  const weights = await artifacts.upload(content, { mediaType: mediaTypes.weights });
  const summary = { validationAccuracy: accuracy };
  return (
    await artifacts.publish(buildModelManifest({ recipe, licences: ["MIT"], weights, architecture: "mlp", parameterCount: 2, summary }))
  ).digest as Digest;
}

test("two models differ in their recipes, their metrics and every tensor", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const sources = [] as Digest[];
  for (const n of [1, 2]) sources.push((await artifacts.publish(await buildSource(artifacts, n))).digest as Digest);
  const a = await model(catalog, averageOf([sources[0]!], "head"), { same: [1, 2], turned: [3, 4], wide: [1, 2, 3], old: [1] }, 0.8);
  const b = await model(catalog, averageOf(sources, "foot"), { same: [1, 2], turned: [4, -3], wide: [1, 2], none: [Number.NaN] }, 0.9);
  await client.createTag({ name: "birds:1.0", digest: a });

  const events = await Array.fromAsync(
    client.diffArtifacts({ from: "birds:1.0", to: b.slice(0, 20), tensors: true }, { timeoutMs: 20_000 }),
  );
  const of = <C extends string>(wanted: C) =>
    events.flatMap(({ event }) => (event.case === wanted ? [event.value as Extract<typeof event, { case: C }>["value"]] : []));
  assert.deepEqual(
    of("artifacts").map(({ from, to }) => [from, to]),
    [[a, b]],
  );
  assert.deepEqual(
    of("recipe").map(({ path, from, to }) => [path, from, to]),
    [
      ["inputs.models[1]", "", JSON.stringify(sources[1])],
      ["parameters.exclude[0]", '"head"', '"foot"'],
    ],
  );
  assert.deepEqual(
    of("metric").map(({ name, from, to }) => [name, from, to]),
    [["validationAccuracy", 0.8, 0.9]],
  );
  const tensors = new Map(of("tensor").map((tensor) => [tensor.name, tensor]));
  assert.deepEqual([...tensors.keys()].sort(), ["none", "old", "same", "turned", "wide"]);
  const { from, to, difference, cosine, count } = tensors.get("turned")!.norms!;
  // (3, 4) and (4, -3) are at a right angle.
  assert.deepEqual([from, to, difference, Math.abs(cosine) < 1e-12, count], [5, 5, Math.sqrt(50), true, 2n]);
  const same = tensors.get("same")!.norms!;
  assert.deepEqual([same.difference, same.cosine], [0, 1]);
  assert.equal(tensors.get("wide")!.norms, undefined);
  assert.deepEqual([tensors.get("wide")!.fromShape, tensors.get("wide")!.toShape], [[3n], [2n]]);
  assert.deepEqual([tensors.get("old")!.fromDtype, tensors.get("old")!.toDtype], ["F32", ""]);

  const recipeOnly = await Array.fromAsync(client.diffArtifacts({ from: a, to: sources[0]! }, { timeoutMs: 20_000 }));
  assert.ok(recipeOnly.some(({ event }) => event.case === "recipe" && event.value.path === "kind"));
  const call = (request: Parameters<typeof client.diffArtifacts>[0]) =>
    Array.fromAsync(client.diffArtifacts(request, { timeoutMs: 20_000 }));
  assert.equal(
    (await refusal(call({ from: a, to: sources[0]!, tensors: true }), Code.INVALID_ARGUMENT, "INVALID_FIELD")).violations[0]?.field,
    "tensors",
  );
  assert.equal((await refusal(call({ from: a }), Code.INVALID_ARGUMENT, "INVALID_FIELD")).violations[0]?.field, "to");
  await refusal(call({ from: a, to: "nobody/here" }), Code.NOT_FOUND, "REF_NOT_FOUND");
});
