/** Backends on which the models of the digits benchmark are trained and evaluated. */
export const backends = ["wasm", "cpu"] as const;
export type BackendName = (typeof backends)[number];

/** The library that multiplies, by backend. */
const libraries: { readonly [B in BackendName]: string } = { wasm: "tfjs-wasm-simd/4.22.0", cpu: "tfjs-cpu/4.22.0" };

/**
 * Names of arithmetics: everything that decides which bits come out. They are part of recipes, so another version makes another recipe and
 * never a wrong answer from the cache. `train/N` counts up when our optimiser, sampling, dropout or loss give other bits, `measure/N` when
 * a measure does. The list is not closed: a service that cannot compute an arithmetic says so, and everybody else takes it as a text.
 *
 * Those that start with "~" are approximate. They name what is computed (`train/2`, docs/training.md; `images/1`, how pictures become
 * pixels) and not on which engine or device, so that a recipe means the same on every machine; the last bits do not matter.
 */
export const arithmetics: { readonly [B in BackendName]: string } & {
  readonly averaging: string;
  readonly training: string;
  readonly measuring: string;
  readonly looking: string;
} = {
  wasm: `${libraries.wasm} train/1`,
  cpu: `${libraries.cpu} train/1`,
  averaging: "exact-mean/1",
  /** Of trainings and predictions of any network. */
  training: "~train/2 images/1",
  measuring: "measure/2",
  /** Of what images look like: decoders differ by a bit. */
  looking: "~difference-hash/1",
};

/** Arithmetics of evaluations of the digits benchmark. */
export const evaluationArithmetics: { readonly [B in BackendName]: string } = {
  wasm: `${libraries.wasm} measure/1`,
  cpu: `${libraries.cpu} measure/1`,
};

/**
 * Whether an arithmetic is approximate: of its results the first that is published counts, and another run of the recipe makes what does
 * as well, not the same bytes.
 * @example
 * ```ts
 * isApproximate("~train/2 images/1"); // true
 * isApproximate("exact-mean/1"); // false
 * isApproximate(undefined); // false
 * ```
 */
export function isApproximate(arithmetic: string | undefined): boolean {
  return arithmetic?.startsWith("~") ?? false;
}

/**
 * The backend of an arithmetic of the digits benchmark, of training or of evaluation, or undefined if it is neither.
 * @example
 * ```ts
 * backendOf("tfjs-cpu/4.22.0 measure/1"); // "cpu"
 * backendOf("exact-mean/1"); // undefined
 * ```
 */
export function backendOf(arithmetic: string | undefined): BackendName | undefined {
  return backends.find((backend) => arithmetics[backend] === arithmetic || evaluationArithmetics[backend] === arithmetic);
}
