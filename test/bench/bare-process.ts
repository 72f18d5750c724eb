/**
 * Runs all jobs of a run file one after another in this one process: no services, no sockets, no database, nothing stored.
 * Prints JSON: what it cost.
 */
import { type Digest, type Recipe, recipeKey } from "#libs/recipes";
import { cpuTimeMs } from "#libs/service";
import { instantiate } from "../../services/recycling/plan/instantiate.ts";
import type { Outcome } from "../../services/recycling/plan/outcome.ts";
import { createBareStore } from "./bare-store.ts";
import type { BareTimes } from "./main-job.ts";
import { planFile } from "./plan-file.ts";

const startedMs = performance.now();
const { nodes, source } = await planFile(process.argv[2] ?? "examples/digits.yaml");
const store = createBareStore(source);
const outcomes = new Map<string, Outcome>();
const done = new Map<Digest, Outcome>();
const cpuMsByKind: { [kind: string]: number } = {};
for (const node of nodes) {
  const instance = instantiate(node, outcomes);
  if (instance.state !== "ready") throw new Error(`${node.id} is ${instance.state}`);
  const key = recipeKey(instance.recipe);
  const outcome = done.get(key) ?? (await timed(instance.recipe));
  done.set(key, outcome);
  outcomes.set(node.id, outcome);
}
const times: BareTimes = { cpuMs: cpuTimeMs(), wallMs: performance.now() - startedMs, jobs: done.size, cpuMsByKind };
process.stdout.write(JSON.stringify(times));

async function timed(recipe: Recipe): Promise<Outcome> {
  const before = cpuTimeMs();
  const outcome = await store.make(recipe);
  cpuMsByKind[recipe.kind] = (cpuMsByKind[recipe.kind] ?? 0) + cpuTimeMs() - before;
  return outcome;
}
