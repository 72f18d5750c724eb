import { narrow, widen } from "#libs/tensors";
import { BLOCK, type Method, type Program, type Range, type Reduction, type TensorTask, type Values } from "../method.ts";
import { completeAll, type GivenValues } from "./complete-parameters.ts";

/** One tensor of every model, whole. */
export type TensorInMemory = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly models: readonly Values[];
  readonly base?: Values;
  readonly statistics?: readonly Values[];
  /** What is given of the parameters; the rest has its defaults. */
  readonly parameters?: GivenValues;
};

export type InMemoryOptions = {
  /** Type of the result; by default F64 where a model is, else F32. */
  readonly type?: "F64" | "F32" | "F16" | "BF16";
  readonly seed?: number;
  readonly digests?: readonly string[];
  /** Blocks of a range; one by default. It does not change the result. */
  readonly blocks?: number;
};

/**
 * Runs a method on whole tensors in memory, with the blocks and the order of sums that the engine has: its specification.
 * Returns the numbers of each tensor, rounded once to the type: doubles for F64, else floats.
 * @throws MergeParameterError; RangeError for parameters that do not fit together
 * @example
 * ```ts
 * const models = [Float32Array.of(1, 2), Float32Array.of(3, 8)];
 * runMethodInMemory(methodNamed("linear")!, [{ name: "w", shape: [2], models }]); // [Float32Array.of(2, 5)]
 * const given = { models: [{ weight: 3 }, { weight: 1 }] };
 * runMethodInMemory(methodNamed("linear")!, [{ name: "w", shape: [2], models, parameters: given }]); // [Float32Array.of(1.5, 3.5)]
 * ```
 */
export function runMethodInMemory(method: Method, tensors: readonly TensorInMemory[], options: InMemoryOptions = {}): Values[] {
  const { seed = 0, blocks = 1 } = options;
  const runs = tensors.map((tensor): Run => {
    const { name, shape, models, base, statistics } = tensor;
    const task: TensorTask = {
      name,
      shape,
      models: models.length,
      hasBase: base !== undefined,
      hasStatistics: statistics !== undefined,
      parameters: completeAll(method, tensor.parameters ?? {}, models.length),
      seed,
      digests: options.digests ?? models.map((_, k) => `model ${k}`),
    };
    const elements = shape.reduce((product, dimension) => product * dimension, 1);
    return { tensor, elements, program: method.program(task), results: [], window: blocks * BLOCK };
  });
  reduceAll(runs);
  const gram = modelGram(runs);
  return runs.map((run) => {
    const out = new Float64Array(run.elements);
    make(run, gram, out);
    const type = options.type ?? (run.tensor.models.some((values) => values instanceof Float64Array) ? "F64" : "F32");
    return type === "F64" ? out : rounded(out, type);
  });
}

type Run = {
  readonly tensor: TensorInMemory;
  readonly elements: number;
  readonly program: Program;
  readonly results: unknown[];
  readonly window: number;
};

function rounded(values: Float64Array, type: "F32" | "F16" | "BF16"): Float32Array {
  const bytes = new Uint8Array(values.length * (type === "F32" ? 4 : 2));
  narrow(type, values, bytes);
  const out = new Float32Array(values.length);
  widen(type, bytes, out);
  return out;
}

/** All reductions, one after another, so that those over the whole model have all tensors. */
function reduceAll(runs: readonly Run[]): void {
  const steps = Math.max(0, ...runs.map(({ program }) => (program.kind === "ranges" ? program.reductions.length : 0)));
  for (let step = 0; step < steps; step++) {
    const shared: { run: Run; reduction: Reduction }[] = [];
    let total: unknown;
    for (const run of runs) {
      const reduction = run.program.kind === "ranges" ? run.program.reductions[step] : undefined;
      if (reduction === undefined) continue;
      const part = reduceTensor(run, reduction);
      if (reduction.scope === "tensor") {
        run.results.push(reduction.finish(part as never));
        continue;
      }
      total = shared.length === 0 ? part : reduction.merge(total as never, part as never);
      shared.push({ run, reduction });
    }
    for (const { run, reduction } of shared) run.results.push(reduction.finish(structuredClone(total) as never));
  }
}

function reduceTensor(run: Run, reduction: Reduction): unknown {
  if (reduction.order === "any") {
    const state = reduction.start();
    if (reduction.needed?.(run.results) !== false) {
      for (const range of rangesOf(run, run.window)) reduction.add(state as never, range, run.results);
    }
    return state;
  }
  let total: unknown;
  let first = true;
  for (const range of rangesOf(run, BLOCK)) {
    const part = reduction.block(range, run.results);
    total = first ? part : reduction.merge(total as never, part as never);
    first = false;
  }
  return first ? reduction.block(rangeOf(run, 0, 0), run.results) : total;
}

function* rangesOf(run: Run, window: number): Generator<Range> {
  for (let first = 0; first < run.elements; first += window) yield rangeOf(run, first, Math.min(window, run.elements - first));
}

function rangeOf({ tensor, program }: Run, first: number, count: number): Range {
  const cut = (values: Values) => values.subarray(first, first + count) as Values;
  const base = tensor.base === undefined ? undefined : cut(tensor.base);
  const differ = program.kind === "ranges" && program.of === "differences" && base !== undefined;
  const models = tensor.models.map((values) => (differ ? differences(cut(values), base) : cut(values)));
  return {
    first,
    count,
    models,
    ...(base === undefined ? {} : { base }),
    ...(tensor.statistics === undefined ? {} : { statistics: tensor.statistics.map(cut) }),
  };
}

function differences(values: Values, base: Values): Values {
  return values.map((value, i) => value - base[i]!) as Values;
}

function make(run: Run, modelDots: Float64Array | undefined, out: Float64Array): void {
  const { tensor, program, elements } = run;
  switch (program.kind) {
    case "mean":
      mean(tensor.models, program.weights, program.divisor, out);
      return;
    case "combine":
      combine(withBase(tensor), program.coefficients, out);
      return;
    case "gram": {
      const rows = program.scope === "row" ? elements / rowLength(tensor) : 1;
      for (let row = 0; row < rows; row++) {
        const from = (row * elements) / rows;
        const to = ((row + 1) * elements) / rows;
        const part = partOf(tensor, from, to);
        combine(withBase(part), program.coefficients(modelDots ?? gramOf(part, program.of)), out.subarray(from, to));
      }
      return;
    }
    case "whole": {
      const { models, base, statistics } = tensor;
      program.apply({ models, ...(base === undefined ? {} : { base }), ...(statistics === undefined ? {} : { statistics }) }, out, 0);
      return;
    }
    case "ranges":
      for (const range of rangesOf(run, run.window)) {
        program.apply(range, run.results, out.subarray(range.first, range.first + range.count));
      }
  }
}

function rowLength({ shape }: TensorInMemory): number {
  return shape.at(-1) ?? 1;
}

function partOf(tensor: TensorInMemory, from: number, to: number): TensorInMemory {
  const cut = (values: Values) => values.subarray(from, to) as Values;
  return { ...tensor, models: tensor.models.map(cut), ...(tensor.base === undefined ? {} : { base: cut(tensor.base) }) };
}

function withBase({ models, base }: TensorInMemory): readonly Values[] {
  return base === undefined ? models : [...models, base];
}

function mean(models: readonly Values[], weights: readonly number[], divisor: number | "sum", out: Float64Array): void {
  const total = divisor === "sum" ? weights.reduce((sum, weight) => sum + weight, 0) : divisor;
  combine(models, weights, out);
  for (let i = 0; i < out.length; i++) out[i]! /= total;
}

function combine(columns: readonly Values[], coefficients: readonly number[], out: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    let sum = coefficients[0]! * columns[0]![i]!;
    for (let k = 1; k < coefficients.length; k++) sum += coefficients[k]! * columns[k]![i]!;
    out[i] = sum;
  }
}

/** The dot products over the whole model, where a program asks for them: of its tensors, in their order. */
function modelGram(runs: readonly Run[]): Float64Array | undefined {
  let total: Float64Array | undefined;
  for (const { program, tensor } of runs) {
    if (program.kind !== "gram" || program.scope !== "model") continue;
    const dots = gramOf(tensor, program.of);
    total = total === undefined ? dots : total.map((value, i) => value + dots[i]!);
  }
  return total;
}

/** Dot products, block by block; in a block, those of even and of odd elements apart. */
function gramOf({ models, base }: TensorInMemory, of: "models" | "differences"): Float64Array {
  const count = models.length;
  const columns = models.map((values) => Float64Array.from(values, (value, i) => (of === "differences" ? value - base![i]! : value)));
  const total = new Float64Array(count * count);
  const length = columns[0]?.length ?? 0;
  for (let first = 0; first < length; first += BLOCK) {
    const end = Math.min(first + BLOCK, length);
    for (let i = 0; i < count; i++) for (let j = 0; j < count; j++) total[i * count + j]! += dot(columns[i]!, columns[j]!, first, end);
  }
  return total;
}

function dot(a: Float64Array, b: Float64Array, from: number, to: number): number {
  let even = 0;
  let odd = 0;
  for (let i = from; i < to; i += 2) even += a[i]! * b[i]!;
  for (let i = from + 1; i < to; i += 2) odd += a[i]! * b[i]!;
  return even + odd;
}
