import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Figure } from "../figures.ts";

const sources = new URL("../../../clients/python/src", import.meta.url).pathname;

/** Of one fresh process: seconds of numpy's import, of the package's beside it, and whether torch came along. */
const PROGRAM = `
import sys, time
began = time.perf_counter()
import numpy
between = time.perf_counter()
import ratatouille
print(between - began, time.perf_counter() - between, int("torch" in sys.modules))
`;

/**
 * What `import ratatouille` takes in fresh processes of a Python that has numpy. The first one fills the caches of the disk and is not
 * counted.
 */
export async function packageFigures(python: string, runs: number): Promise<Figure[]> {
  const turns: [numpy: number, own: number, torch: number][] = [];
  for (let turn = 0; turn <= Math.max(5, runs); turn++) {
    const { stdout } = await promisify(execFile)(python, ["-c", PROGRAM], { env: { ...process.env, PYTHONPATH: sources } });
    const [numpy = Number.NaN, own = Number.NaN, torch = Number.NaN] = stdout.trim().split(" ").map(Number);
    if (turn > 0) turns.push([numpy, own, torch]);
  }
  return [
    { name: "import ratatouille in Python, numpy included", unit: "s", runs: turns.map(([numpy, own]) => numpy + own), atMost: 0.3 },
    { name: "import ratatouille after numpy", unit: "s", runs: turns.map(([, own]) => own) },
    { name: "imports that bring torch along", unit: "", runs: [turns.reduce((sum, [, , torch]) => sum + torch, 0)], atMost: 0 },
  ];
}
