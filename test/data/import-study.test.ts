import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { digestOf, layerOf, mediaTypes, readManifest } from "#libs/recipes";
import { loadWeights, type WeightTensor } from "#libs/tensors";
import { startCatalog } from "../../services/catalog/testing/system.ts";
import { prepareStudy } from "../../services/cli/study/prepare.ts";
import { withBirds, writeModel } from "../../services/cli/study/testing/birds.ts";

test("models with the names of another library go in under the network's own, so that they have an average with the others", async () => {
  await using catalog = await startCatalog();
  await using birds = await withBirds();
  const domainbed = (weights: Map<string, WeightTensor>) => {
    for (const [name, tensor] of [...weights]) {
      weights.delete(name);
      weights.set(name.replace(/^head/, "classifier").replace(/^fc/, "featurizer.fc"), tensor);
    }
  };
  await writeModel(birds.join("domainbed.safetensors"), 7, { change: domainbed });
  await writeModel(birds.join("plain.safetensors"), 7);
  const text = birds.runFile({ auxiliaries: "[./domainbed.safetensors, ./plain.safetensors]" });
  const said: string[] = [];
  const stream = { write: (text: string) => said.push(text) > 0 } as unknown as NodeJS.WriteStream;
  const prepared = await prepareStudy(text, birds.join("birds.yaml"), { stderr: stream });
  assert.match(said.join("").replaceAll(/\s+/g, " "), /domainbed\.safetensors: names are those of DomainBed/);
  const { study } = await prepared.specify(catalog.artifacts, new AbortController().signal, { stream, quiet: true });
  const weights = async (digest: string) => {
    const layer = layerOf(readManifest((await catalog.artifacts.get(digest)).manifest), mediaTypes.weights);
    return { digest: layer.digest, tensors: loadWeights(await catalog.artifacts.download(layer.digest)) };
  };
  const [given, plain] = await Promise.all(study!.auxiliaries!.map(({ models }) => weights(models![0]!)));
  // The same numbers, the head for other classes too; what needs nothing is the file that it was.
  assert.deepEqual(given!.tensors, plain!.tensors);
  assert.equal(plain!.digest, digestOf(await readFile(birds.join("plain.safetensors"))));
});

test("an image that is empty is refused at the key that names its folder", async () => {
  await using catalog = await startCatalog();
  await using birds = await withBirds();
  const stream = { write: () => true } as unknown as NodeJS.WriteStream;
  const prepared = await prepareStudy(birds.runFile(), birds.join("birds.yaml"), { stderr: stream });
  await writeFile(birds.join("birds/photo/owl/1.png"), "");
  const specified = prepared.specify(catalog.artifacts, new AbortController().signal, { stream, quiet: true });
  await assert.rejects(specified, /birds\.yaml: `target` at line 2 cannot be used: .*photo\/owl\/1\.png is empty: it has 0 bytes$/);
});
