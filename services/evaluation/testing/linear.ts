import type { Weights } from "#libs/learning";
import { createSubject, type Predict, type Sample, type Samples, type Subject } from "../measures/subject.ts";

/** A model without hidden layers, logits = W·x with W of [classes, features]: everything about it can be computed by hand. */
export function linearModel(rows: readonly (readonly number[])[]): Weights {
  return new Map([["head.weight", { shape: [rows.length, rows[0]?.length ?? 0], data: Float32Array.from(rows.flat()) }]]);
}

/** The forward pass of `linearModel`. */
export const linearPredict: Predict = (weights, images) => {
  const head = weights.get("head.weight");
  if (head === undefined) throw new Error("not a linear model");
  const [classes, features] = head.shape as [number, number];
  const count = images.length / features;
  const logits = new Float32Array(count * classes);
  for (let row = 0; row < count; row++) {
    for (let c = 0; c < classes; c++) {
      let sum = 0;
      for (let f = 0; f < features; f++) sum += head.data[c * features + f]! * images[row * features + f]!;
      logits[row * classes + c] = sum;
    }
  }
  return logits;
};

/** Labelled rows from plain numbers. */
export function sampleOf(images: readonly (readonly number[])[], labels: readonly number[]): Sample {
  return { images: Float32Array.from(images.flat()), labels: Int32Array.from(labels), count: labels.length };
}

/**
 * A sample on which a linear model predicts what one wants: image n is the n-th unit vector, so the model's column n holds the logits.
 */
export function unitSample(labels: readonly number[]): Sample {
  return sampleOf(
    labels.map((_, row) => labels.map((__, column) => Number(row === column))),
    labels,
  );
}

/** The linear model that predicts these classes on `unitSample`, with a margin of 1. */
export function modelPredicting(predictions: readonly number[], classes: number): Weights {
  return linearModel(Array.from({ length: classes }, (_, c) => predictions.map((prediction) => Number(prediction === c))));
}

/** A subject of linear models. */
export function linearSubject(members: readonly Weights[], samples: Samples): Subject {
  return createSubject(members, samples, linearPredict);
}
