import { readFileSync } from "node:fs";
import { checkCount, checkDivisor, typeNumber } from "./arguments.ts";
import { significantBits } from "./exact-weight.ts";
import { createArena } from "./memory.ts";
import { rememberPlan } from "./plan-mean.ts";
import { setThinnings } from "./thinnings.ts";
import { type Kernels, MAX_GRAM_INPUTS, MAX_INPUTS } from "./types.ts";

/** What assembly/index.ts exports. Addresses, counts and types are numbers; no function returns an address above 2^31. */
type Exports = {
  readonly memory: WebAssembly.Memory;
  inputsTable(): number;
  multiplesTable(): number;
  weightsTable(): number;
  thinningsTable(): number;
  magnitudeSums(): number;
  freeMemory(): number;
  begin(type: number, outType: number, many: number, out: number, undecided: number, divisor: number, tail: number): void;
  meanF32(count: number, uniform: number, spread: number, divisor: number, inverse: number): number;
  meanHalf(count: number, uniform: number, near: number, far: number, divisor: number): number;
  meanOfOne(count: number, divisor: number): number;
  meanRoughly(count: number, divisor: number, loss: number): number;
  meanWithBounds(count: number, productLoss: number, exactDivision: number, divisor: number): number;
  combine(type: number, many: number, out: number, outType: number, count: number): void;
  difference(type: number, from: number, minus: number, out: number, count: number): void;
  addProducts(sums: number, values: number, factor: number, zeros: number, count: number, open: number): number;
  gram(type: number, many: number, base: number, count: number, out: number): void;
  widen(type: number, from: number, to: number, toType: number, count: number): void;
  narrow(from: number, type: number, to: number, count: number): void;
  addSparse(many: number, base: number, out: number, count: number): void;
  electSparse(many: number, base: number, out: number, count: number, lambda: number, normalized: number, zeroIsPositive: number): void;
  sumMagnitudes(values: number, count: number): void;
  firstNotFinite(type: number, address: number, count: number): number;
  crc32c(address: number, length: number, seed: number): number;
  resizeLines(
    from: number,
    lineBytes: number,
    lines: number,
    channels: number,
    out: number,
    width: number,
    first: number,
    counts: number,
    weights: number,
    stride: number,
  ): void;
  resizeColumns(
    from: number,
    lineBytes: number,
    out: number,
    height: number,
    first: number,
    counts: number,
    weights: number,
    stride: number,
  ): void;
  turnHue(pixels: number, count: number, turn: number): void;
  blendBytes(bytes: number, count: number, base: number, factor: number): void;
  saturate(pixels: number, count: number, factor: number): void;
  sumGreys(pixels: number, count: number): number;
};

let compiled: WebAssembly.Module | undefined;

/**
 * The kernels with a memory of their own, of 4 GB at most. Each thread loads its own; the second time in a thread costs no compilation.
 * @example
 * ```ts
 * const kernels = loadKernels();
 * const [a, b, out, undecided] = [0, 1, 2, 3].map(() => kernels.allocate(8));
 * kernels.float32(a, 2).set([1, 2]);
 * kernels.float32(b, 2).set([3, 8]);
 * const inputs = { inputs: [a, b], type: "F32", weights: [1, 1], divisor: 2, count: 2 };
 * kernels.mean({ ...inputs, out, outType: "F32", undecided }); // 0
 * [...kernels.float32(out, 2)]; // [2, 5]
 * ```
 */
export function loadKernels(): Kernels {
  compiled ??= new WebAssembly.Module(new Uint8Array(readFileSync(new URL("kernels.wasm", import.meta.url))));
  const wasm = new WebAssembly.Instance(compiled).exports as Exports;
  const arena = createArena(wasm.memory, wasm.freeMemory());
  const tables = { inputs: wasm.inputsTable(), multiples: wasm.multiplesTable(), weights: wasm.weightsTable() };
  const plans = rememberPlan();
  const setInputs = (inputs: readonly number[]) => arena.uint32(tables.inputs, inputs.length).set(inputs);

  return {
    ...arena,
    mean({ inputs, type, weights, divisor, divisorTail = 0, out, outType, count, undecided }) {
      checkCount(inputs, weights, MAX_INPUTS);
      checkDivisor(divisor);
      const plan = plans(weights, divisor, divisorTail, type, outType);
      if (plan.way === "open") {
        for (let i = 0; i < count; i++) arena.uint32(undecided, count)[i] = i;
        return count;
      }
      setInputs(inputs);
      arena.float64(tables.weights, weights.length).set(weights);
      arena.float64(tables.multiples, weights.length).set(plan.weights);
      wasm.begin(typeNumber[type], typeNumber[outType], inputs.length, out, undecided, divisor, divisorTail);
      if (plan.way === "rough") return wasm.meanRoughly(count, plan.divisor, plan.loss);
      if (
        plan.way === "bounds" &&
        type === "F64" &&
        inputs.length === 1 &&
        outType !== "F64" &&
        plan.exactDivision &&
        plan.productLoss === 0
      )
        return wasm.meanOfOne(count, plan.divisor);
      if (plan.way === "bounds") return wasm.meanWithBounds(count, plan.productLoss, plan.exactDivision ? 1 : 0, plan.divisor);
      const uniform = plan.weights.every((weight) => weight === 1) ? 1 : 0;
      if (type === "F32") {
        const inverse = significantBits(plan.divisor) === 1;
        return wasm.meanF32(count, uniform, plan.far, inverse ? 1 / plan.divisor : plan.divisor, inverse ? 1 : 0);
      }
      return wasm.meanHalf(count, uniform, plan.near, plan.far, plan.divisor);
    },
    combine({ inputs, type, coefficients, out, outType, count }) {
      checkCount(inputs, coefficients, MAX_INPUTS);
      setInputs(inputs);
      arena.float64(tables.multiples, coefficients.length).set(coefficients);
      wasm.combine(typeNumber[type], inputs.length, out, typeNumber[outType], count);
    },
    difference: (type, from, minus, out, count) => wasm.difference(typeNumber[type], from, minus, out, count),
    addProducts: ({ sums, values, factor, zeros, count, open }) =>
      wasm.addProducts(sums, values, factor, zeros === "negative" ? 1 : zeros === "positive" ? 2 : 3, count, open),
    gram({ inputs, type, base = 0, count, out }) {
      checkCount(inputs, inputs, MAX_GRAM_INPUTS);
      setInputs(inputs);
      wasm.gram(typeNumber[type], inputs.length, base, count, out);
    },
    widen(type, from, to, toType, count) {
      if (type === "F64" && toType === "F32") throw new TypeError("F64 does not fit into F32 without loss: narrow it");
      wasm.widen(typeNumber[type], from, to, typeNumber[toType], count);
    },
    narrow: (from, type, to, count) => wasm.narrow(from, typeNumber[type], to, count),
    addSparse(args) {
      checkCount(args.models, args.factors, MAX_INPUTS);
      setInputs(args.models);
      setThinnings(arena, wasm.thinningsTable(), args.thinnings, args.factors, args.factors);
      wasm.addSparse(args.models.length, args.base, args.out, args.count);
    },
    electSparse(args) {
      const { models, base, out, count, lambda, normalized, zeroIsPositive } = args;
      checkCount(models, args.factors, MAX_INPUTS);
      setInputs(models);
      setThinnings(arena, wasm.thinningsTable(), args.thinnings, args.factors, args.weights);
      wasm.electSparse(models.length, base, out, count, lambda, normalized ? 1 : 0, zeroIsPositive ? 1 : 0);
    },
    magnitudes(values, thinning, count) {
      setThinnings(arena, wasm.thinningsTable(), [thinning], [1], [1]);
      wasm.sumMagnitudes(values, count);
      const [a, b, c, d, e, f, g, h] = arena.float64(wasm.magnitudeSums(), 8);
      return { all: a! + b! + (c! + d!), kept: e! + f! + (g! + h!) };
    },
    firstNotFinite: (type, address, count) => wasm.firstNotFinite(typeNumber[type], address, count),
    crc32c: (address, length, seed = 0) => wasm.crc32c(address, length, seed | 0) >>> 0,
    resizeLines: ({ from, lineBytes, lines, channels, out, windows: { size, first, counts, weights, stride } }) =>
      wasm.resizeLines(from, lineBytes, lines, channels, out, size, first, counts, weights, stride),
    resizeColumns: ({ from, lineBytes, out, windows: { size, first, counts, weights, stride } }) =>
      wasm.resizeColumns(from, lineBytes, out, size, first, counts, weights, stride),
    turnHue: (pixels, count, turn) => wasm.turnHue(pixels, count, turn),
    blendBytes: (bytes, count, base, factor) => wasm.blendBytes(bytes, count, base, factor),
    saturate: (pixels, count, factor) => wasm.saturate(pixels, count, factor),
    sumGreys: (pixels, count) => wasm.sumGreys(pixels, count),
  };
}
