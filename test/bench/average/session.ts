import type { BenchOptions } from "../benchmark.ts";
import type { Figure } from "../figures.ts";
import type { Workbench } from "./workbench.ts";

/** Contributions of a client in Python to a session. */
export async function sessionFigures(_bench: Workbench, _options: BenchOptions): Promise<Figure[]> {
  return [];
}
