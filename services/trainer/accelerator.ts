import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** What a trainer may compute on beside its processor; memory in MiB. */
export type AcceleratorHere = { readonly model: string; readonly memoryMib: number; readonly driver: string };

const QUERY = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"];
const PATIENCE_MS = 5_000;

/** The first GPU that NVIDIA's driver names; undefined where there is no driver, or no GPU. */
export async function acceleratorHere(program = "nvidia-smi"): Promise<AcceleratorHere | undefined> {
  try {
    const { stdout } = await promisify(execFile)(program, QUERY, { timeout: PATIENCE_MS });
    return parseQuery(stdout);
  } catch {
    return undefined;
  }
}

/**
 * The first GPU of what nvidia-smi answers, one line each; undefined for anything else.
 * @example
 * ```ts
 * parseQuery("NVIDIA H200, 143771, 570.86.15\n"); // { model: "NVIDIA H200", memoryMib: 143771, driver: "570.86.15" }
 * parseQuery("No devices were found"); // undefined
 * ```
 */
export function parseQuery(answer: string): AcceleratorHere | undefined {
  const [, model, memory, driver] = /^(.+), (\d+), (\S+)$/m.exec(answer) ?? [];
  return model === undefined || driver === undefined ? undefined : { model, memoryMib: Number(memory), driver };
}
