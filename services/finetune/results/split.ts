import { mediaTypes } from "#libs/recipes";
import { decodeSplit } from "#libs/splits";
import type { Check } from "./check.ts";
import { layerOf } from "./layer.ts";
import { unfitSplit } from "./rows.ts";

/** Of a split: rows of the data set, each in its domain and in one part at most. */
export const checkSplit: Check = async ({ layers, files, given }) => {
  const split = await decodeSplit(await files.bytes(layerOf(layers, mediaTypes.splitLayer)));
  const data = await given.rows("dataset");
  return data && unfitSplit(split, data);
};
