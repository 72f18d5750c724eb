import type { Digest, Recipe } from "#libs/recipes";
import { classes, domains, importPictures } from "../trainer/pictures.ts";
import { startTrainer } from "../trainer/system.ts";
import type { Jobs } from "./jobs.ts";
import type { Server } from "./server.ts";

/** A data set that can be learned in no time, and which of its rows are for what. */
export type Data = {
  readonly dataset: Digest;
  readonly split: Digest;
  readonly domains: readonly string[];
  readonly classes: number;
};

/** Images of each class in each domain; of five, one is for validation. */
const EACH = 20;

/** Images of 16 x 16 grey pixels, bars and squares in three domains. The trainer that indexes and splits them is ours, and gone afterwards. */
export async function makeImages({ address }: Server, jobs: Jobs): Promise<Data> {
  const source = await importPictures(jobs.artifacts, EACH);
  await using _ours = startTrainer(address, { RATATOUILLE_TRAINER_NAME: "conformance-data", RATATOUILLE_DEVICE: "cpu" });
  const made = (recipe: Recipe) => jobs.make(recipe, {});
  const dataset = await made({ kind: "dataset", inputs: { source }, parameters: { generator: "image-shards/1" } });
  const split = await made({ kind: "split", inputs: { dataset }, parameters: { scheme: "domainbed/1", fraction: 0.2, trial: 0 } });
  return { dataset, split, domains, classes: classes.length };
}
