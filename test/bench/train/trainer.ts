import { runScript } from "../child.ts";
import type { Figure } from "../figures.ts";
import type { TrainerTimes } from "./trainer-process.ts";

/** How many processes read images, for the trainer and for the loop by hand. */
const WORKERS = [0, 1];
const CASE = { network: "resnet18", size: 64, batch: 16, steps: 40 } as const;

/** Trainings by the PyTorch trainer, against a loop of PyTorch by hand over the same images, and its start. */
export async function trainerFigures(python: string, turns: number): Promise<Figure[]> {
  const { network, size, batch, steps } = CASE;
  const figures: Figure[] = [];
  for (const workers of WORKERS) {
    const args = [network, size, batch, steps, turns, workers, python].map(String);
    const { oursS, bareS, startS, importS } = await runScript<TrainerTimes>("./train/trainer-process.ts", args);
    const what = `${network}, ${size} px, batch ${batch}, ${workers} readers`;
    figures.push(
      { name: `${what}: step of a loop by hand`, unit: "ms", runs: bareS.map((seconds) => (1000 * seconds) / steps) },
      { name: "  speed of the PyTorch trainer / the loop's", unit: "", runs: oursS.map((own, turn) => bareS[turn]! / own), atLeast: 0.97 },
      {
        name: "  from the start to a first step, less the import of torch",
        unit: "s",
        runs: startS.map((own, turn) => own - importS[turn]!),
        atMost: 5,
      },
      { name: "  import of torch", unit: "s", runs: importS },
    );
  }
  return figures;
}
