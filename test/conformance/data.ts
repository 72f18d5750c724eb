import type { Digest, Recipe } from "#libs/recipes";
import { importRecords } from "#libs/remote-images";
import { classes, domains, drawBars, importPictures } from "../trainer/pictures.ts";
import { startTrainer } from "../trainer/system.ts";
import type { Jobs } from "./jobs.ts";
import type { Server } from "./server.ts";

/** What the examples of a data set are: image files, or bytes that only trainers can read. */
export const forms = ["images", "records"] as const;
export type Form = (typeof forms)[number];

/** A data set that can be learned in no time, and which of its rows are for what. */
export type Data = {
  readonly form: Form;
  readonly dataset: Digest;
  readonly split: Digest;
  readonly domains: readonly string[];
  readonly classes: number;
};

/** Examples of each class in each domain; of five, one is for validation. */
const EACH = 20;

/**
 * Bars and squares of 16 x 16 grey pixels in three domains, as images and as records of 256 bytes. The trainer that indexes and splits them
 * is ours, and gone afterwards.
 */
export async function makeData({ address }: Server, jobs: Jobs): Promise<Readonly<Record<Form, Data>>> {
  const sources = { images: await importPictures(jobs.artifacts, EACH), records: await importBars(jobs) };
  await using _ours = startTrainer(address, { RATATOUILLE_TRAINER_NAME: "conformance-data", RATATOUILLE_DEVICE: "cpu" });
  const made = (recipe: Recipe) => jobs.make(recipe, {});
  const of = async (form: Form, generator: string): Promise<Data> => {
    const dataset = await made({ kind: "dataset", inputs: { source: sources[form] }, parameters: { generator } });
    const split = await made({ kind: "split", inputs: { dataset }, parameters: { scheme: "domainbed/1", fraction: 0.2, trial: 0 } });
    return { form, dataset, split, domains, classes: classes.length };
  };
  return { images: await of("images", "image-shards/1"), records: await of("records", "records/1") };
}

async function importBars({ artifacts }: Jobs): Promise<Digest> {
  async function* records() {
    for (const { pixels, ...labels } of drawBars(EACH)) yield { ...labels, content: pixels };
  }
  const options = { licence: "CC0-1.0", source: "bars", signal: new AbortController().signal };
  return (await importRecords({ domains, classes, records }, artifacts, options)).digest;
}
