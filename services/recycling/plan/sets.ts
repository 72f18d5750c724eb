import type { Method, SetName } from "#libs/reporting";

/** What members of a set differ in, besides their seeds. */
export type Hyperparameters = { readonly learningRate: number; readonly dropout: number; readonly weightDecay: number };

/** One fine-tuning of a set: its node, its number in the set, what it starts from. */
export type PlannedMember = Hyperparameters & { readonly node: string; readonly index: number; readonly initialisation: string };

/** The methods that average a set: all of its members, and those that a greedy selection takes. */
export const averagesOf: { readonly [S in SetName]?: readonly [all: Method, selected: Method] } = {
  soup: ["soup", "soup-greedy"],
  recycled: ["recycling", "recycling-greedy"],
};

/** Whether methods need the set of fine-tunings that start from the foundation. */
export function needsSoup(methods: ReadonlySet<Method>): boolean {
  return (["erm", "soup", "soup-greedy"] as const).some((method) => methods.has(method));
}

/** Whether members of a set are selected one by one. */
export function selectsFrom(set: SetName, methods: ReadonlySet<Method>): boolean {
  const [, selected] = averagesOf[set] ?? [];
  return selected !== undefined && methods.has(selected);
}
