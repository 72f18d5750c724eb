import { aloneFigures } from "./average/alone.ts";
import { largeFigures, linearFigures, typeFigures } from "./average/linear.ts";
import { methodFigures } from "./average/methods.ts";
import { sessionFigures } from "./average/session.ts";
import { openWorkbench } from "./average/workbench.ts";
import type { Benchmark } from "./benchmark.ts";
import type { Figure } from "./figures.ts";

const parts = {
  alone: aloneFigures,
  linear: linearFigures,
  types: typeFigures,
  methods: methodFigures,
  session: sessionFigures,
  large: largeFigures,
};

/** Averaging against mergekit, a loop in PyTorch, Flower, and what the disk allows; whole processes, one after another in turn. */
export const average: Benchmark = {
  summary: "averaging against mergekit 0.1.5, a PyTorch loop, Flower 1.41, and cat",
  parts: Object.keys(parts),
  async run({ part, ...options }) {
    await using bench = await openWorkbench(options.say);
    const figures: Figure[] = [];
    for (const [name, measure] of Object.entries(parts)) {
      if (part === undefined || part === name) figures.push(...(await measure(bench, options)));
    }
    return figures;
  },
};
