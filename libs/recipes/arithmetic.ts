/** Backends on which models are trained and evaluated. */
export const backends = ["wasm", "cpu"] as const;
export type BackendName = (typeof backends)[number];

/** The library that multiplies, by backend. */
const libraries: { readonly [B in BackendName]: string } = { wasm: "tfjs-wasm-simd/4.22.0", cpu: "tfjs-cpu/4.22.0" };

/**
 * Names of arithmetics: everything that decides which bits come out. They are part of recipes, so another version makes another recipe and
 * never a wrong answer from the cache. `train/N` counts up when our optimiser, sampling, dropout or loss give other bits, `measure/N` when
 * a measure does.
 */
export const arithmetics: { readonly [B in BackendName]: string } & { readonly averaging: string } = {
  wasm: `${libraries.wasm} train/1`,
  cpu: `${libraries.cpu} train/1`,
  averaging: "exact-mean/1",
};

/** Arithmetics of evaluations. */
export const evaluationArithmetics: { readonly [B in BackendName]: string } = {
  wasm: `${libraries.wasm} measure/1`,
  cpu: `${libraries.cpu} measure/1`,
};

/**
 * The backend of an arithmetic of training or evaluation, or undefined if it is neither.
 * @example
 * ```ts
 * backendOf("tfjs-cpu/4.22.0 measure/1"); // "cpu"
 * backendOf("exact-mean/1"); // undefined
 * ```
 */
export function backendOf(arithmetic: string | undefined): BackendName | undefined {
  return backends.find((backend) => arithmetics[backend] === arithmetic || evaluationArithmetics[backend] === arithmetic);
}
