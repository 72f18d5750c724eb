/** Times evaluations of ten models of the benchmark's size, whole and in this thread. Prints JSON: CPU milliseconds of each turn by measure. */
import { encodeDataset, generateGlyphs } from "#libs/datasets";
import { initialWeights } from "#libs/learning";
import type { EvaluateParameters } from "#libs/recipes";
import { cpuTimeMs } from "#libs/service";
import { saveFloat32 } from "#libs/tensors";
import { type EvaluationJob, runEvaluation } from "../../services/evaluation/run-evaluation.ts";

const turns = Number(process.argv[2] ?? 3);
const data = (images: number, seed: number) =>
  encodeDataset(generateGlyphs({ classes: 10, images, styles: ["plain"], rotation: 0.5, alphabetSeed: 1 }, seed));
const job: Omit<EvaluationJob, "parameters"> = {
  backend: "wasm",
  models: Array.from({ length: 10 }, (_, seed) => saveFloat32(initialWeights({ hidden: [256, 128], classes: 10, initSeed: seed }))),
  heldOut: data(450, 1),
  validation: [2, 3, 4].map((seed) => data(449, seed)),
};
const measures: Pick<EvaluateParameters, "measure" | "scores">[] = [
  { measure: "accuracy" },
  { measure: "barriers" },
  { measure: "greedy", scores: job.models.map((_, index) => index) },
];
const times: { [measure: string]: number[] } = Object.fromEntries(measures.map(({ measure }) => [measure, []]));
for (let turn = 0; turn <= turns; turn++) {
  for (const parameters of measures) {
    const before = cpuTimeMs();
    await runEvaluation({ ...job, parameters: { validationFraction: 0.2, ...parameters } });
    // The first turn loads and compiles.
    if (turn > 0) times[parameters.measure]?.push(cpuTimeMs() - before);
  }
}
process.stdout.write(JSON.stringify(times));
