import type { Method } from "../method.ts";

// Stand-ins until the methods are there.
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
