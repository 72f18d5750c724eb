import type { ModelFiles, TensorPlace } from "#libs/models";
import { AdapterError, planAdapters, productShape, readLora } from "../adapters/index.ts";
import { type Finding, finding } from "./report.ts";

/**
 * What of adapters is compared: products, which have the shapes of the base's weights, so that ranks may differ. Adapters alone become one
 * adapter; together with a base, or with whole models of that base, they become models.
 */
export function compareAdapters(
  models: readonly ModelFiles[],
  base: ModelFiles | undefined,
  exclude: ReadonlySet<string> = new Set(),
): { compared: ReadonlyMap<ModelFiles, ModelFiles["tensors"]>; findings: Finding[] } {
  const adapters = models.filter(({ kind }) => kind === "adapter");
  if (adapters.length === 0) return { compared: new Map(), findings: [] };
  const problems: string[] = [];
  if (base === undefined && adapters.length < models.length) {
    problems.push(...adapters.map(({ name }) => `${name} is an adapter, and the others are not: give its base with --base`));
  }
  if (base?.kind === "adapter") problems.push(`the base ${base.name} is an adapter itself`);
  const digests = adapters.map(() => NO_DIGEST);
  // Beside whole models, names that are left out are those of the models.
  const request = { adapters, digests, ...(adapters.length === models.length ? { exclude } : {}) };
  problems.push(...problemsOf(() => planAdapters({ ...request, ...(base === undefined ? {} : { base, baseDigest: NO_DIGEST }) })));
  const structure = base?.tensors ?? productsOf(adapters);
  const findings = problems.map((problem) => finding("error", "adapter", `${problem}.`, { models: adapters.map(({ name }) => name) }));
  return { compared: new Map(adapters.map((adapter) => [adapter, structure])), findings };
}

// A plan that nobody runs: its key is of no use.
const NO_DIGEST = `sha256:${"0".repeat(64)}` as const;

function problemsOf(plan: () => unknown): readonly string[] {
  try {
    plan();
    return [];
  } catch (error) {
    if (error instanceof AdapterError) return error.problems;
    throw error;
  }
}

/** All targets of all adapters. Where an adapter has none, it adds nothing. */
function productsOf(adapters: readonly ModelFiles[]): ModelFiles["tensors"] {
  const tensors = new Map<string, TensorPlace>();
  for (const adapter of adapters) {
    try {
      for (const [target, module] of readLora(adapter).modules) tensors.set(target, { ...module.b.place, shape: productShape(module) });
    } catch (error) {
      // What is wrong with it is a finding already.
      if (!(error instanceof AdapterError)) throw error;
    }
  }
  return tensors;
}
