import { fileURLToPath } from "node:url";
import "@tensorflow/tfjs-backend-cpu";
import * as wasmBackend from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";

/** Readies tfjs's plain JavaScript backend, which is loaded with this module. */
export function loadCpu(): void {
  // Without this the backend advertises another one on stderr.
  tf.enableProdMode();
}

/**
 * Loads tfjs's WebAssembly backend, with SIMD and without threads.
 * @throws Error if the runtime lacks what it needs
 */
export async function loadWasm(): Promise<void> {
  const events = ["uncaughtException", "unhandledRejection"] as const;
  const before = new Map(events.map((event) => [event, process.listeners(event as "uncaughtException")]));
  wasmBackend.setWasmPaths(fileURLToPath(new URL(".", import.meta.resolve("@tensorflow/tfjs-backend-wasm"))));
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  if (!(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"))) throw new Error("This runtime has no WebAssembly SIMD, which training needs");
  if (!(await tf.setBackend("wasm"))) throw new Error("tfjs could not load its WebAssembly backend");
  // Emscripten installs handlers that rethrow, which turns every error of the process into another one.
  for (const event of events) {
    for (const listener of process.listeners(event as "uncaughtException")) {
      if (!before.get(event)?.includes(listener)) process.removeListener(event, listener);
    }
  }
}
