import { planSafetensors, type TensorLayout } from "#libs/tensors";
import type { Method } from "../method.ts";
import type { OutputFile } from "./types.ts";

// Stand-ins until the methods and the layout of model folders are there.
export const methods: readonly Method[] = [
  {
    name: "linear",
    title: "Linear",
    summary: "",
    formula: "",
    parameters: [
      { name: "weight", scope: "model", type: "number", default: 1, description: "" },
      { name: "normalize", scope: "merge", type: "boolean", default: true, description: "" },
    ],
    base: "none",
    models: { min: 1, max: Number.POSITIVE_INFINITY },
    program: ({ parameters: { merge, models } }) => ({
      kind: "mean",
      weights: models.map(({ weight }) => weight as number),
      divisor: merge["normalize"] ? "sum" : 1,
    }),
  },
];

export function methodNamed(name: string): Method | undefined {
  return methods.find((method) => method.name === name);
}

export function planOutputs(
  tensors: readonly TensorLayout[],
  { single = "model.safetensors" }: { single?: string; maxShardBytes?: number } = {},
): { outputs: OutputFile[]; places: Map<string, { file: number; offset: number }>; index?: string } {
  const { header, size, offsets } = planSafetensors(tensors, { format: "pt" });
  const places = new Map([...offsets].map(([name, { begin }]) => [name, { file: 0, offset: begin }]));
  return { outputs: [{ name: single, size, header }], places };
}
