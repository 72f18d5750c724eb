import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { engineNamed } from "#libs/engines";
import { encodeIndex, encodePng, packImages } from "#libs/image-sets";
import { costOf, networkOf } from "#libs/networks";
import { arithmetics, digestOf, type Json, mediaTypes, type Recipe } from "#libs/recipes";
import { encodeSplit } from "#libs/splits";
import { type TemporaryDirectory, temporaryDirectory } from "#libs/testing";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { isPermanent } from "../failure.ts";
import type { Made } from "../product.ts";
import { runRecipe } from "../run-recipe.ts";
import { type Work, workInMemory } from "../work.ts";

const [dataset, split] = [digestOf("dataset"), digestOf("split")];
const parameters = {
  ...{ network: { name: "mlp", size: 8, channels: 3, options: { hidden: [2] } }, classes: 2, domains: ["photo"], steps: 2, batch: 2 },
  ...{ optimiser: { name: "adam", learningRate: 0.01 }, transform: { training: "resize/1", validation: "resize/1" } },
};

function recipeWith(changes: { readonly [parameter: string]: Json }): Recipe {
  return {
    kind: "train",
    inputs: { dataset, split },
    parameters: { ...parameters, ...changes },
    seed: 4,
    arithmetic: arithmetics.training,
  };
}

/** Eight pictures, two of them for validation, as files of this machine. */
async function createWork(directory: TemporaryDirectory): Promise<Work> {
  const picture = (place: number) => Uint8Array.from({ length: 12 * 12 * 3 }, (_, i) => (place * 31 + i * i) % 251);
  const images = Array.from({ length: 8 }, (_, place) => ({
    ...{ domain: "photo", class: place % 2 === 0 ? "cat" : "dog", name: `${place}.png` },
    content: { make: () => encodePng({ width: 12, height: 12, channels: 3, data: picture(place) }) },
  }));
  const packing = packImages(images, { classes: ["cat", "dog"] });
  for await (const { digest, content } of packing.shards) await writeFile(directory.join(digest.slice(7)), content);
  const rows = [{ domain: "photo", training: Int32Array.of(0, 1, 2, 3, 4, 5), validation: Int32Array.of(6, 7) }];
  const files = new Map([
    [dataset, encodeIndex(packing.index())],
    [split, encodeSplit(rows)],
  ]);
  return {
    ...workInMemory(() => assert.fail("nothing is loaded")),
    engine: "cpu",
    input: (digest) => {
      const isSplit = digest === split;
      const mediaType = isSplit ? mediaTypes.splitLayer : mediaTypes.datasetLayer;
      const layer = { digest, bytes: files.get(digest)!.length, mediaType, title: "" };
      return { digest, kind: isSplit ? ArtifactKind.SPLIT : ArtifactKind.DATASET, layers: [layer] };
    },
    read: async ({ digest }) => files.get(digest)!,
    hold: async ({ digest }) => ({ path: directory.join(digest.slice(7)), [Symbol.dispose]() {} }),
  };
}

test("a validation that draws has the seed of the training, and comes out the same each time", async () => {
  await using directory = await temporaryDirectory();
  const work = await createWork(directory);
  const transform = { training: "resize/1", validation: "domainbed/1" };
  const shares: number[] = [];
  const watch = { onValidating: (share: number) => shares.push(share) };
  const train = async () => (await runRecipe(recipeWith({ transform, validate: { every: 1 } }), work, watch)) as Made;
  const [first, second] = [await train(), await train()];
  assert.equal(typeof first.summary?.["validationAccuracy"], "number");
  assert.deepEqual([second.summary, second.curve], [first.summary, first.curve]);
  assert.equal(shares.filter((share) => share === 1).length, 2 * parameters.steps, "each validation tells when it is done");
});

test("an engine that is for small networks trains a large one for whoever asks for it", async () => {
  await using directory = await temporaryDirectory();
  const network = { name: "mnist-cnn", size: 36, channels: 3 };
  assert.ok(costOf(networkOf(network.name, { classes: 2, size: 36 })).multiplyAdds > engineNamed("wasm")!.autoUpTo!);
  const work = { ...(await createWork(directory)), engine: "wasm" };
  const { summary } = (await runRecipe(recipeWith({ network, steps: 1, batch: 1 }), work)) as Made;
  assert.ok((summary?.["finalLoss"] as number) > 0);
});

for (const phase of ["training", "validation"]) {
  test(`a transform for ${phase} that there is not is refused before anything is brought, for good`, async () => {
    const work = workInMemory(() => assert.fail("nothing is loaded"));
    const run = runRecipe(recipeWith({ transform: { ...parameters.transform, [phase]: "domainbd/1" } }), work);
    const message = `parameters.transform.${phase}: "domainbd/1" is no transform: did you mean domainbed/1?`;
    await assert.rejects(run, (error) => isPermanent(error) && (error as Error).message === message);
  });
}
