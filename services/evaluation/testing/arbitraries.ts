import fc from "fast-check";
import type { Weights } from "#libs/learning";
import type { Samples } from "../measures/subject.ts";
import { linearModel, sampleOf } from "./linear.ts";

const CLASSES = 3;
const FEATURES = 4;

const number = fc.integer({ min: -64, max: 64 }).map((value) => value / 16);
const matrix = (rows: number) =>
  fc.array(fc.array(number, { minLength: FEATURES, maxLength: FEATURES }), { minLength: rows, maxLength: rows });
const sample = fc
  .integer({ min: 1, max: 12 })
  .chain((rows) => fc.tuple(matrix(rows), fc.array(fc.nat({ max: CLASSES - 1 }), { minLength: rows, maxLength: rows })))
  .map(([images, labels]) => sampleOf(images, labels));

/** A linear model of 3 classes and 4 features; its numbers are sixteenths, so sums of them are exact. */
export const model: fc.Arbitrary<Weights> = matrix(CLASSES).map(linearModel);
/** Both samples, 1 to 12 rows each. */
export const samples: fc.Arbitrary<Samples> = fc.record({ heldOut: sample, validation: sample });
/** 2 to 6 models. */
export const members: fc.Arbitrary<Weights[]> = fc.array(model, { minLength: 2, maxLength: 6 });
/** Members and an order of them: position p of the permuted list holds member order[p]. */
export const permuted: fc.Arbitrary<{ members: Weights[]; order: number[] }> = members.chain((list) =>
  fc.record({
    members: fc.constant(list),
    order: fc.shuffledSubarray([...list.keys()], { minLength: list.length, maxLength: list.length }),
  }),
);
