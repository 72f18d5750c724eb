/** Backends on which models are trained and evaluated. */
export const backends = ["wasm", "cpu"] as const;
export type BackendName = (typeof backends)[number];

/**
 * Names of arithmetics: everything that decides how numbers are rounded. They are part of recipes, so another version of a backend
 * makes another recipe and never a wrong answer from the cache.
 */
export const arithmetics: { readonly [B in BackendName]: string } & { readonly averaging: string } = {
  wasm: "tfjs-wasm-simd/4.22.0",
  cpu: "tfjs-cpu/4.22.0",
  averaging: "exact-mean/1",
};

/** The backend of an arithmetic, or undefined if it is not one that trains. */
export function backendOf(arithmetic: string | undefined): BackendName | undefined {
  return backends.find((backend) => arithmetics[backend] === arithmetic);
}
