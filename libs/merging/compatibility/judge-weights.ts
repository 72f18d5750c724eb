import { ln } from "#libs/deterministic";
import { coordinates } from "#libs/tensors";
import { type Measures, MOST_PAIRWISE, mergeMeasures, noMeasures, ownProduct } from "./measure.ts";
import { type Finding, finding, type WeightsReport } from "./report.ts";
import type { MeasuredTensor } from "./weights-pass.ts";

/** From here on a robust z-score is that of an outlier (Iglewicz and Hoaglin 1993, "How to Detect and Handle Outliers"). */
const OUTLIER = 3.5;
/** And only beyond this factor: models that are nearly alike have hardly any spread, so that any difference would stand out. */
const FACTOR = 2;
/** 0.6745 · MAD is the standard deviation of a normal distribution's quarter points: the factor that makes z-scores of MADs. */
const MAD_TO_Z = 0.6745;
/** Weights of models of one foundation are nearly parallel (model soups: above 0.99); those of two trainings from scratch nearly orthogonal. */
const RELATED_COSINE = 0.5;
/** Task vectors of different tasks are nearly orthogonal (Ilharco et al. 2023, figure 5); these undo each other. */
const OPPOSED_COSINE = -0.3;
/** Less than a coin: most of the model's changes go against those of the others. */
const SIGN_AGREEMENT = 0.45;

/** What the weights are like, and what is suspicious of them. `names` are those of the models. */
export function judgeWeights(
  names: readonly string[],
  tensors: readonly MeasuredTensor[],
  { hasBase, readBytes }: { readonly hasBase: boolean; readonly readBytes: number },
): { weights: WeightsReport; findings: Finding[] } {
  const total = noMeasures(names.length);
  for (const { measures } of tensors) mergeMeasures(total, measures);
  const weights: WeightsReport = {
    reference: hasBase ? "base" : "mean",
    readBytes,
    models: names.map((name, k) => ({
      name,
      norm: Math.sqrt(total.squares[k]!),
      largest: total.largest[k]!,
      distance: Math.sqrt(ownProduct(total, k)),
      signAgreement: total.moved[k] === 0 ? 1 : total.agreeing[k]! / total.moved[k]!,
      notFinite: total.notFinite[k]!,
    })),
    ...(names.length > MOST_PAIRWISE ? {} : { cosines: cosines(total) }),
    layers: layersOf(tensors, names.length),
  };
  const findings = [
    ...notFinite(names, tensors),
    ...equalModels(names, total, hasBase),
    ...outlierNorms(names, weights, tensors),
    ...directions(names, weights, total),
  ];
  if (names.length > MOST_PAIRWISE)
    findings.push(
      finding(
        "note",
        "cosine",
        `More than ${MOST_PAIRWISE} models are not compared pair by pair: no cosines, and no search for equal ones.`,
      ),
    );
  return { weights, findings };
}

/** Cosines between the differences of all models. */
export function cosines(total: Measures): number[][] {
  const models = total.squares.length;
  return Array.from({ length: models }, (_, a) =>
    Array.from({ length: models }, (_, b) => cosine(total.gram[a * models + b]!, ownProduct(total, a), ownProduct(total, b))),
  );
}

function cosine(dot: number, a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : Math.max(-1, Math.min(1, dot / Math.sqrt(a) / Math.sqrt(b)));
}

function layersOf(tensors: readonly MeasuredTensor[], models: number): WeightsReport["layers"] {
  const layers = new Map<string, Measures>();
  for (const { name, measures } of tensors) {
    const layer = layerOf(name);
    const sums = layers.get(layer) ?? noMeasures(models);
    layers.set(layer, sums);
    mergeMeasures(sums, measures);
  }
  return [...layers].map(([layer, sums]) => ({
    layer,
    numbers: sums.count,
    distances: sums.squares.map((square, k) => (square === 0 ? 0 : Math.sqrt(ownProduct(sums, k) / square))),
  }));
}

/** The part of a tensor's name up to the number of its block; without one, all but the last part ("bias"). */
export function layerOf(tensor: string): string {
  return /^.*?\.\d+(?=\.)/.exec(tensor)?.[0] ?? (tensor.includes(".") ? tensor.slice(0, tensor.lastIndexOf(".")) : tensor);
}

function* notFinite(names: readonly string[], tensors: readonly MeasuredTensor[]): Generator<Finding> {
  for (const [k, name] of names.entries()) {
    const where = tensors.filter(({ measures }) => measures.notFinite[k]! > 0);
    if (where.length === 0) continue;
    const count = where.reduce((sum, { measures }) => sum + measures.notFinite[k]!, 0);
    const lines = where.map(({ name: tensor, shape, measures }) => {
      return `${tensor}: ${measures.notFinite[k]} of ${measures.count}, the first at [${coordinates(measures.first[k]!, shape).join(", ")}]`;
    });
    yield finding("error", "not-finite", `${name} has ${count} ${count === 1 ? "number" : "numbers"} that are NaN or infinite.`, {
      tensors: lines,
      models: [name],
    });
  }
}

/** Models whose weights are equal, and those that equal the base. */
export function* equalModels(names: readonly string[], total: Measures, hasBase: boolean): Generator<Finding> {
  const models = names.length;
  if (hasBase) {
    const still = names.filter((_, k) => ownProduct(total, k) === 0 && total.notFinite[k] === 0);
    for (const name of still)
      yield finding("warning", "equal", `${name} has the weights of the base: its task vector is zero.`, { models: [name] });
  }
  if (models > MOST_PAIRWISE) return;
  const seen = new Set<number>();
  for (let a = 0; a < models; a++) {
    if (seen.has(a)) continue;
    const equal = [a];
    for (let b = a + 1; b < models; b++) if (distance(total, a, b) === 0) equal.push(b);
    for (const index of equal) seen.add(index);
    const same = equal.map((index) => names[index]!);
    if (same.length > 1 && !(hasBase && ownProduct(total, a) === 0))
      yield finding("warning", "equal", `${same.join(", ")} have the same weights: in an average they count as often.`, { models: same });
  }
}

/** ‖x_a − x_b‖², 0 exactly where both are equal: all three products are then the same sum. */
function distance(total: Measures, a: number, b: number): number {
  return Math.max(0, ownProduct(total, a) + ownProduct(total, b) - 2 * total.gram[a * total.squares.length + b]!);
}

function* outlierNorms(names: readonly string[], weights: WeightsReport, tensors: readonly MeasuredTensor[]): Generator<Finding> {
  yield* sayOutliers(
    names,
    weights.models.map(({ norm }) => norm),
    "norm",
  );
  yield* sayOutliers(
    names,
    weights.models.map(({ distance }) => distance),
    `distance to the ${weights.reference}`,
  );
  const lines = names.map((): string[] => []);
  for (const { name, measures } of tensors) {
    for (const { index, factor } of outliers(measures.squares.map(Math.sqrt)))
      lines[index]!.push(`${name}: ${rounded(factor)} times the median`);
  }
  for (const [k, list] of lines.entries()) {
    if (list.length > 0)
      yield finding(
        "warning",
        "norm",
        `The norm of ${list.length === 1 ? "a tensor" : `${list.length} tensors`} of ${names[k]} stands out.`,
        {
          tensors: list,
          models: [names[k]!],
        },
      );
  }
}

/** Models whose differences stand out by their norm. */
export function outlierDistances(names: readonly string[], total: Measures, what: string): Iterable<Finding> {
  return sayOutliers(
    names,
    names.map((_, k) => Math.sqrt(ownProduct(total, k))),
    `norm of ${what}`,
  );
}

function* sayOutliers(names: readonly string[], values: readonly number[], what: string): Generator<Finding> {
  for (const { index, z, factor } of outliers(values)) {
    const sentence = `The ${what} of ${names[index]} is ${rounded(values[index]!)}, ${rounded(factor)} times the median (robust z ${rounded(z)}).`;
    yield finding("warning", "norm", sentence, { models: [names[index]!] });
  }
}

/**
 * Values whose logarithm is far from the others': a robust z-score by the median and the median absolute deviation, which one or two
 * wild models do not move. Fewer than three values have no middle.
 */
function outliers(values: readonly number[]): { index: number; z: number; factor: number }[] {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  if (positive.length < 3) return [];
  const logs = values.map((value) => (value > 0 && Number.isFinite(value) ? ln(value) : undefined));
  const middle = median(logs.filter((log) => log !== undefined));
  const spread = median(logs.filter((log) => log !== undefined).map((log) => Math.abs(log - middle)));
  const typical = median(positive);
  return values.flatMap((value, index) => {
    const log = logs[index];
    // A tensor of zeros among others that are not.
    if (log === undefined) return value === 0 ? [{ index, z: Number.NEGATIVE_INFINITY, factor: 0 }] : [];
    const z = (MAD_TO_Z * (log - middle)) / Math.max(spread, Number.MIN_VALUE);
    const factor = value / typical;
    const far = factor > FACTOR || factor < 1 / FACTOR;
    return far && Math.abs(z) > OUTLIER ? [{ index, z: Math.max(-1e6, Math.min(1e6, z)), factor }] : [];
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

function* directions(names: readonly string[], weights: WeightsReport, total: Measures): Generator<Finding> {
  const hasBase = weights.reference === "base";
  for (const { name, signAgreement = 1, distance } of weights.models) {
    if (hasBase && names.length > 2 && distance > 0 && signAgreement < SIGN_AGREEMENT) {
      const percent = Math.round(100 * signAgreement);
      yield finding("warning", "sign", `Only ${percent} % of the changes of ${name} have the sign of the sum of all changes.`, {
        models: [name],
      });
    }
  }
  if (weights.cosines === undefined) return;
  if (hasBase) yield* opposedPairs(names, weights.cosines);
  for (const [a, b] of pairs(names.length)) {
    const pair = [names[a]!, names[b]!];
    const similarity = cosine((total.squares[a]! + total.squares[b]! - distance(total, a, b)) / 2, total.squares[a]!, total.squares[b]!);
    if (similarity >= RELATED_COSINE) continue;
    const what = `The weights of ${pair.join(" and ")} have a cosine of ${rounded(similarity)}`;
    yield finding("warning", "unrelated", `${what}: they do not look like models of one foundation.`, { models: pair });
  }
}

/** Pairs of models whose task vectors undo each other. */
export function* opposedPairs(names: readonly string[], between: readonly (readonly number[])[]): Generator<Finding> {
  for (const [a, b] of pairs(names.length)) {
    const pair = [names[a]!, names[b]!];
    const cosine = between[a]![b]!;
    if (cosine < OPPOSED_COSINE)
      yield finding("warning", "cosine", `The task vectors of ${pair.join(" and ")} point against each other: cosine ${rounded(cosine)}.`, {
        models: pair,
      });
  }
}

function* pairs(count: number): Generator<[number, number]> {
  for (let a = 0; a < count; a++) for (let b = a + 1; b < count; b++) yield [a, b];
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(3)));
}
