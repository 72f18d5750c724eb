/** Element types that kernels read and write: little-endian, at any address. */
export type ElementType = "F64" | "F32" | "F16" | "BF16";

/** Bytes of one element. */
export const ELEMENT_BYTES: { readonly [type in ElementType]: number } = { F64: 8, F32: 4, F16: 2, BF16: 2 };

/** Most inputs of one call of `mean` or `combine`, and of `gram`. */
export const MAX_INPUTS = 4096;
export const MAX_GRAM_INPUTS = 64;

/** What `mean` and `combine` have in common. Addresses are bytes of the kernels' memory; no input may overlap `out`, but one may be it. */
export type LinearArguments = {
  /** Where each input begins: `count` elements of `type`. */
  readonly inputs: readonly number[];
  readonly type: ElementType;
  readonly out: number;
  readonly outType: ElementType;
  readonly count: number;
};

export type MeanArguments = LinearArguments & {
  readonly weights: readonly number[];
  readonly divisor: number;
  /** What the divisor has beyond its double, where it is a sum that is none; then exact ties stay undecided. */
  readonly divisorTail?: number;
  /** Address of room for `count` numbers of 32 bits. */
  readonly undecided: number;
};

export type CombineArguments = LinearArguments & { readonly coefficients: readonly number[] };

export type GramArguments = {
  readonly inputs: readonly number[];
  readonly type: ElementType;
  /** Where each input is taken as its difference to this one, in f64. */
  readonly base?: number;
  readonly count: number;
  /** Address of room for inputs² numbers of 64 bits. */
  readonly out: number;
};

/**
 * What stays of a model's numbers; zeros are put in place of the rest.
 * chance: element i where mix(start + i · 0x9e3779b9) of #libs/deterministic is below `limit`, of at most 2^32: `uniform` by another name.
 * band: those whose magnitude has a pattern between `above` and `below`, both excluded.
 */
export type Thinning =
  | { readonly kind: "all" }
  | { readonly kind: "chance"; readonly start: number; readonly limit: number }
  | { readonly kind: "band"; readonly above: number; readonly below: number };

export type SparseArguments = {
  /** Addresses of `count` f32 each. */
  readonly models: readonly number[];
  readonly thinnings: readonly Thinning[];
  /** What is left of each model is multiplied by its factor. */
  readonly factors: readonly number[];
  /** Address of `count` f32. */
  readonly base: number;
  /** Address of `count` f64. */
  readonly out: number;
  readonly count: number;
};

export type ElectionArguments = SparseArguments & {
  readonly weights: readonly number[];
  readonly lambda: number;
  readonly normalized: boolean;
  /** The sign of a sum that is zero. */
  readonly zeroIsPositive: boolean;
};

export type AddProductsArguments = {
  /** Address of `count` f64, aligned to 8 bytes: what is added to. */
  readonly sums: number;
  /** Address of `count` f32. */
  readonly values: number;
  /** A float32. */
  readonly factor: number;
  /** Products that are zeros of these signs are left to the caller. */
  readonly zeros: "negative" | "positive" | "both";
  readonly count: number;
  /** Address of room for `count` numbers of 32 bits. */
  readonly open: number;
};

/**
 * Which neighbours each place of an output line is a sum of: `counts` of them from `first` on, with weights in 2^-22 that come to one and are
 * not negative. Addresses of whole numbers of 32 bits: `size` of the first two, size · stride weights.
 */
export type Windows = {
  readonly size: number;
  readonly first: number;
  readonly counts: number;
  readonly weights: number;
  /** Most neighbours of a place. */
  readonly stride: number;
};

export type ResizeLinesArguments = {
  /** Where the first line begins, in bytes. */
  readonly from: number;
  /** From the beginning of a line to that of the next. */
  readonly lineBytes: number;
  readonly lines: number;
  /** Bytes of a pixel. */
  readonly channels: number;
  /** lines · size · channels bytes, and one more that is overwritten. */
  readonly out: number;
  readonly windows: Windows;
};

export type ResizeColumnsArguments = {
  readonly from: number;
  /** Of an input line and of an output line. */
  readonly lineBytes: number;
  /** size · lineBytes bytes. */
  readonly out: number;
  readonly windows: Windows;
};

/** Functions on the bytes of one memory. They call nobody and keep nothing; one thread's own. */
export type Kernels = {
  /** Not WebAssembly.Memory: who uses the package may have no declaration of that. */
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  /** Address of so many bytes, aligned to 64. May grow the memory, which voids all views made before. Throws RangeError beyond 4 GB. */
  allocate(bytes: number): number;
  /** Forgets all that was allocated. */
  release(): void;
  /** Views of the memory, void after the next `allocate`. Other than `bytes` they need an address that is aligned to their elements. */
  bytes(address: number, length: number): Uint8Array<ArrayBuffer>;
  uint32(address: number, count: number): Uint32Array<ArrayBuffer>;
  float32(address: number, count: number): Float32Array<ArrayBuffer>;
  float64(address: number, count: number): Float64Array<ArrayBuffer>;
  /**
   * out[i] = Σ weights[k] · inputs[k][i] / divisor, the exact value rounded once, to nearest, ties to even; a sum of zeros is negative only
   * if all its terms are. Where f64 cannot prove the rounding, or an element or the result is not finite, the index stands in
   * `undecided` instead (ascending), and out[i] means nothing. Returns how many there are. `divisor` is positive.
   */
  mean(args: MeanArguments): number;
  /** out[i] = Σ coefficients[k] · inputs[k][i], in f64 in the order of k, rounded once. Too large is infinity, NaN the one quiet NaN. */
  combine(args: CombineArguments): void;
  /** out[i] = from[i] - minus[i], rounded once; NaN is the one quiet NaN. `out` may be `from`. */
  difference(type: "F32" | "F64", from: number, minus: number, out: number, count: number): void;
  /**
   * sums[i] += factor · values[i] where that is exact. Where it is not, or not finite, or the product is such a zero, sums[i] stays and the
   * index stands in `open` (ascending). Returns how many there are.
   */
  addProducts(args: AddProductsArguments): number;
  /**
   * The dot products of all inputs, out[i · K + j], in f64. The products of even and of odd elements are summed apart, in their order,
   * and added at the end.
   */
  gram(args: GramArguments): void;
  /** Elements as f32 or f64, without loss: F64 only goes to F64. NaN stays some NaN. `to` may not overlap `from`. */
  widen(type: ElementType, from: number, to: number, toType: "F32" | "F64", count: number): void;
  /** f64 as elements of a type, rounded once, ties to even. Too large is infinity, NaN the type's one quiet NaN. */
  narrow(from: number, type: ElementType, to: number, count: number): void;
  /** out[i] = base[i] + Σ factors[k] · what stays of models[k][i], in f64 in the order of k. */
  addSparse(args: SparseArguments): void;
  /**
   * TIES' election: out[i] = base[i] + lambda · the sum of those terms factors[k] · x_k whose sign is that of the sum of all; `normalized`:
   * over the weights of the models that have such a term. In f64 in the order of k.
   */
  electSparse(args: ElectionArguments): void;
  /**
   * The sum of the magnitudes of `count` f32, and of those that stay, in f64: those of the indexes 0, 1, 2 and 3 modulo 4 each apart, in their
   * order, and then (s0 + s1) + (s2 + s3).
   */
  magnitudes(values: number, thinning: Thinning, count: number): { readonly all: number; readonly kept: number };
  /** Index of the first element that is NaN or infinite; -1 where all are finite. */
  firstNotFinite(type: ElementType, address: number, count: number): number;
  /** CRC-32C of bytes; `seed` is the CRC of what comes before them. */
  crc32c(address: number, length: number, seed?: number): number;
  /** Every byte of an output line is the sum of the windows' bytes in the input line, channel by channel, rounded. Up to one byte behind the input is read. */
  resizeLines(args: ResizeLinesArguments): void;
  /** Every output line is the sum of the windows' input lines, rounded. */
  resizeColumns(args: ResizeColumnsArguments): void;
  /**
   * Turns the hue of so many pixels of three bytes, in place, by `turn` / 255 of a circle: to hue, saturation and value of a byte each and back,
   * with Pillow's roundings.
   */
  turnHue(pixels: number, count: number, turn: number): void;
  /** Every byte x becomes the whole part of base + factor · (x - base) in f32, cut to a byte; in place. `base` is a byte. */
  blendBytes(bytes: number, count: number, base: number, factor: number): void;
  /** The same for so many pixels of three bytes, with the grey of each (of ITU-R 601-2, as Pillow rounds it) as its base; in place. */
  saturate(pixels: number, count: number, factor: number): void;
  /** The sum of the greys of so many pixels of three bytes. */
  sumGreys(pixels: number, count: number): number;
};
