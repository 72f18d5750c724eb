import { arithmetics, type BackendName } from "#libs/recipes";
import type { Backend } from "./matrix.ts";

const opened = new Map<BackendName, Promise<Backend>>();

/**
 * Opens a backend, once in a process: "wasm" (SIMD, one thread) computes, "cpu" (plain JavaScript) is its reference in tests.
 * @throws Error if the runtime lacks what the backend needs.
 * @example
 * ```ts
 * const backend = await openBackend("cpu");
 * using workspace = backend.workspace();
 * const [row, column, product] = [workspace.matrix(1, 2), workspace.matrix(2, 1), workspace.matrix(1, 1)];
 * row.values.set([1, 2]);
 * column.values.set([3, 4]);
 * workspace.multiply(row, column, product);
 * [...product.values]; // [11]
 * ```
 */
export function openBackend(name: BackendName): Promise<Backend> {
  const known = opened.get(name);
  if (known) return known;
  const backend = open(name);
  opened.set(name, backend);
  return backend;
}

/** Who only counts right answers starts without tfjs. */
async function open(name: BackendName): Promise<Backend> {
  const arithmetic = arithmetics[name];
  return name === "wasm" ? (await import("./wasm.ts")).openWasm(arithmetic) : (await import("./cpu.ts")).openCpu(arithmetic);
}
