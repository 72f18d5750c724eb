import type { Weights } from "#libs/learning";

/** Labelled rows. `images` is [count, features], row-major. */
export type Sample = {
  readonly images: Float32Array;
  readonly labels: Int32Array;
  readonly count: number;
};

/** The rows that models are measured on. At least one of the two is there. */
export type Samples = { readonly heldOut?: Sample; readonly validation?: Sample };
export type SampleName = keyof Samples;

/** Logits of one model on each sample, [count, classes], row-major. */
export type Predictions = { readonly [name in SampleName]?: Float32Array };

/** A forward pass: images [count, features] to logits [count, classes]. */
export type Predict = (weights: Weights, images: Float32Array) => Float32Array;

/** What a measure works on: members in the order of the recipe, the samples, and a way to predict. */
export type Subject = {
  readonly members: readonly Weights[];
  readonly samples: Samples;
  /** Logits of any weights on all samples. Throws NonFiniteLogitsError. */
  predict(weights: Weights): Predictions;
  /** Logits of a member, computed once. */
  member(index: number): Predictions;
};

/** Weights whose logits are not finite: no accuracy of them means anything. */
export class NonFiniteLogitsError extends Error {
  override readonly name = "NonFiniteLogitsError";
}

/** The samples of a subject in a fixed order. */
export function sampleNames(samples: Samples): SampleName[] {
  return (["heldOut", "validation"] as const).filter((name) => samples[name] !== undefined);
}

/** The sample of that name. Throws RangeError where it is missing. */
export function requireSample(samples: Samples, name: SampleName): Sample {
  const sample = samples[name];
  if (sample === undefined) throw new RangeError(`the measure needs the sample ${name}`);
  return sample;
}

/** Makes a subject. All samples go through one forward pass per model: a pass costs little more for 700 images than for 450. */
export function createSubject(members: readonly Weights[], samples: Samples, predict: Predict): Subject {
  const names = sampleNames(samples);
  const rows = names.map((name) => requireSample(samples, name));
  const count = rows.reduce((sum, sample) => sum + sample.count, 0);
  const images = concatenate(rows.map((sample) => sample.images));
  const known = new Map<number, Predictions>();

  function predictAll(weights: Weights): Predictions {
    const logits = predict(weights, images);
    if (!logits.every(Number.isFinite)) throw new NonFiniteLogitsError("the logits of a model are not finite");
    const classes = logits.length / count;
    const predictions: { [name in SampleName]?: Float32Array } = {};
    let row = 0;
    names.forEach((name, position) => {
      const end = row + (rows[position]?.count ?? 0);
      predictions[name] = logits.subarray(row * classes, end * classes);
      row = end;
    });
    return predictions;
  }

  return {
    members,
    samples,
    predict: predictAll,
    member(index) {
      const before = known.get(index);
      if (before !== undefined) return before;
      const weights = members[index];
      if (weights === undefined) throw new RangeError(`there is no member ${index}: there are ${members.length}`);
      const predictions = predictAll(weights);
      known.set(index, predictions);
      return predictions;
    },
  };
}

/** The rows of several samples as one. */
export function poolRows(samples: readonly Sample[]): Sample {
  const labels = new Int32Array(samples.reduce((sum, sample) => sum + sample.count, 0));
  let row = 0;
  for (const sample of samples) {
    labels.set(sample.labels, row);
    row += sample.count;
  }
  return { images: concatenate(samples.map((sample) => sample.images)), labels, count: labels.length };
}

/** One array after the other. */
function concatenate(arrays: readonly Float32Array[]): Float32Array {
  if (arrays.length === 1 && arrays[0] !== undefined) return arrays[0];
  const whole = new Float32Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let offset = 0;
  for (const array of arrays) {
    whole.set(array, offset);
    offset += array.length;
  }
  return whole;
}
