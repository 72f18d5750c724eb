import { writeFile } from "node:fs/promises";
import { initialise, networkOf } from "#libs/networks";
import { saveWeights, type WeightTensor } from "#libs/tensors";
import { type TemporaryDirectory, temporaryDirectory } from "#libs/testing";
import { writeFolder } from "../../../../libs/image-sets/testing/image-folder.ts";

const network = (classes: number, hidden = [8]) => networkOf("mlp", { classes, channels: 3, size: 16, options: { hidden } });

/** Weights of a small network as a file. @param change what is wrong with them */
export async function writeModel(
  path: string,
  classes: number,
  { hidden = [8], change = (_: Map<string, WeightTensor>) => {} } = {},
): Promise<void> {
  const weights = new Map([...initialise(network(classes, hidden), 1)].map(([name, tensor]) => [name, tensor as WeightTensor]));
  change(weights);
  await writeFile(path, saveWeights(weights));
}

/** A folder of birds in three domains, with models beside it, and a run file of it. */
export async function withBirds(): Promise<TemporaryDirectory & { runFile(changes?: Readonly<Record<string, string>>): string }> {
  const directory = await temporaryDirectory();
  let number = 0;
  for (const domain of ["garden", "photo", "sketch"])
    for (const label of ["jay", "owl"])
      await writeFolder(directory.join("birds"), { [`${domain}/${label}/1.png`]: number++, [`${domain}/${label}/2.png`]: number++ });
  await writeModel(directory.join("foundation.safetensors"), 5);
  const lines = {
    target: "{ images: ./birds }",
    "held-out": "all",
    foundation: "{ network: mlp, hidden: [8], channels: 3, size: 16, weights: ./foundation.safetensors }",
    auxiliaries: "[]",
  };
  return Object.assign(directory, {
    runFile: (changes: Readonly<Record<string, string>> = {}) =>
      `name: birds\n${Object.entries({ ...lines, ...changes })
        .map(([key, value]) => `${key}: ${value}\n`)
        .join("")}`,
  });
}
