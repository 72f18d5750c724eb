import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeIndex, encodePng, packImages } from "#libs/image-sets";
import { arithmetics, type Digest, digestOf, mediaTypes, type Recipe } from "#libs/recipes";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { isPermanent } from "../failure.ts";
import { runRecipe } from "../run-recipe.ts";
import { type CatalogInput, type InputLayer, type Work, workInMemory } from "../work.ts";

const domains = ["photo", "sketch"];
const dataset = digestOf("dataset");

/** An index of one picture of each domain. */
async function indexOfPictures(): Promise<Uint8Array> {
  const content = { make: () => encodePng({ width: 4, height: 4, channels: 1, data: new Uint8Array(16) }) };
  const packing = packImages(
    domains.map((domain) => ({ domain, class: "cat", name: "1.png", content })),
    { classes: ["cat"] },
  );
  for await (const _ of packing.shards);
  return encodeIndex(packing.index());
}

/** Inputs in memory, where files of models can be held but for those that are missing; `held` counts them. */
async function createWork(missing: readonly Digest[]) {
  const index = await indexOfPictures();
  const layer = (digest: Digest, mediaType: string): InputLayer => ({ digest, bytes: index.length, mediaType, title: "" });
  let held = 0;
  const work: Work = {
    ...workInMemory(() => assert.fail("nothing is loaded")),
    engine: "cpu",
    input: (digest): CatalogInput =>
      digest === dataset
        ? { digest, kind: ArtifactKind.DATASET, layers: [layer(digest, mediaTypes.datasetLayer)] }
        : { digest, kind: ArtifactKind.MODEL, layers: [layer(digest, mediaTypes.weights)] },
    read: async () => index,
    async hold({ digest }) {
      // The one that is missing is known first.
      if (missing.includes(digest)) throw new Error("it is gone");
      await new Promise(setImmediate);
      held++;
      return { path: digest, [Symbol.dispose]: () => void held-- };
    },
  };
  return { work, held: () => held };
}

const models = ["a", "b", "c", "d"].map((name) => digestOf(name));
const parameters = { network: { name: "mlp", size: 4, options: { hidden: [2] } }, classes: 1, domains, transform: "none/1" };
const recipe: Recipe = { kind: "predict", inputs: { models, dataset }, parameters, arithmetic: arithmetics.training };

test("a mixture of which one model is missing leaves nothing held", async () => {
  const { work, held } = await createWork([models[2]!]);
  await assert.rejects(runRecipe(recipe, work), { message: "it is gone" });
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  assert.equal(held(), 0);
});

for (const [transform, problem] of [
  ["resise/1", '"resise/1" is no transform: did you mean resize/1?'],
  ["domainbed/1", "domainbed/1 draws at random, and a prediction has no seed; expected one of resize/1, center/1, none/1"],
] as const) {
  test(`a prediction by ${transform} is refused before anything is brought, for good`, async () => {
    const work = workInMemory(() => assert.fail("nothing is loaded"));
    const run = runRecipe({ ...recipe, parameters: { ...parameters, transform } }, work);
    await assert.rejects(run, (error) => isPermanent(error) && (error as Error).message === `parameters.transform: ${problem}`);
  });
}
