import { version_cpu } from "@tensorflow/tfjs-backend-cpu";
import { version_wasm } from "@tensorflow/tfjs-backend-wasm";
import { loadCpu, loadWasm } from "../tfjs.ts";
import type { Engine } from "./kernels.ts";
import { tfjsKernels } from "./tfjs/kernels.ts";

/** Opens an engine of tfjs's packages, which are here always. */
export async function openBundled(name: "cpu" | "wasm"): Promise<Engine> {
  switch (name) {
    case "cpu":
      loadCpu();
      return { name, version: `tfjs-cpu ${version_cpu}`, device: "cpu", kernels: tfjsKernels("cpu") };
    case "wasm":
      await loadWasm();
      return { name, version: `tfjs-wasm ${version_wasm}`, device: "cpu", kernels: tfjsKernels("wasm") };
  }
}
