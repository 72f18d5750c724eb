import { openPrediction, PredictionError } from "#libs/predictions";
import { mediaTypes, type PredictParameters } from "#libs/recipes";
import type { Check } from "./check.ts";
import { notFinite } from "./finite.ts";
import { layerOf } from "./layer.ts";
import { wantedRows } from "./rows.ts";

/** Of a prediction: a row for each example that its recipe asks for, with its class and domain, and a finite logit for each class. */
export const checkPrediction: Check = async ({ recipe, layers, files, given }) => {
  const { classes, domains, part = "all" } = recipe.parameters as PredictParameters;
  const layer = layerOf(layers, mediaTypes.predictionLayer);
  const found = await openPrediction(files.source(layer));
  if (found.classes !== classes) return `tensor logits has ${found.classes} columns; the recipe has ${classes} classes`;
  if (JSON.stringify(found.domains) !== JSON.stringify(domains))
    throw new PredictionError(`is of the domains ${JSON.stringify(found.domains)}; the recipe's are ${JSON.stringify(domains)}`);
  const data = await given.rows("dataset");
  const wanted = data && wantedRows(data, domains, part, await given.split("split"));
  if (data && wanted) {
    const count = wanted.rows.length;
    if (found.rows !== count) return `tensor logits has ${found.rows} rows; the recipe asks for ${count} examples`;
    for (const [name, expected] of Object.entries({ ...wanted, labels: wanted.rows.map((row) => data.class[row]!) })) {
      const own = await found.read(name as "rows" | "domains" | "labels", 0, count);
      const at = own.findIndex((value, i) => value !== expected[i]);
      if (at >= 0) return `tensor ${name} has ${own[at]} at [${at}]; by the data set it is ${expected[at]}`;
    }
  }
  return notFinite(await files.open(layer));
};
