import { arithmetics, type BackendName } from "#libs/recipes";
import { openCpu } from "./cpu.ts";
import type { Backend } from "./matrix.ts";
import { openWasm } from "./wasm.ts";

const opened = new Map<BackendName, Promise<Backend>>();

/**
 * Opens a backend, once in a process: "wasm" (SIMD, one thread) computes, "cpu" (plain JavaScript) is its reference in tests.
 * @throws Error if the runtime lacks what the backend needs.
 */
export function openBackend(name: BackendName): Promise<Backend> {
  const known = opened.get(name);
  if (known) return known;
  const backend = (name === "wasm" ? openWasm : openCpu)(arithmetics[name]);
  opened.set(name, backend);
  return backend;
}
