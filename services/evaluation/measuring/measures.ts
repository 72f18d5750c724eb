import { accuracy } from "./accuracy.ts";
import { calibration } from "./calibration.ts";
import { diversity } from "./diversity.ts";
import { ensemble } from "./ensemble.ts";
import type { Measure } from "./measure.ts";

/** The measures that this service computes, by the name in a recipe. A new one is a file, its test, and a line here. */
export const measures: ReadonlyMap<string, Measure> = new Map([
  ["accuracy", accuracy],
  ["calibration", calibration],
  ["diversity", diversity],
  ["ensemble", ensemble],
]);
