import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { create } from "@bufbuild/protobuf";
import { digestOf, parseRecipe, type Recipe, recipeKey } from "#libs/recipes";
import { parseRunFile } from "#libs/runfile";
import { type RunSpec, RunSpecSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { Plan } from "../plan/planner.ts";
import { instantiate, type Node, type Outcome } from "../plan/template.ts";

/** Folder of the repository. */
export const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The specification in a run file of `examples`. Its source is a digest of nothing that exists, unless one is given. */
export function example(name: string, source: string = digestOf("source")): RunSpec {
  const path = `${root}examples/${name}.yaml`;
  const { spec } = parseRunFile(readFileSync(path, "utf8"), { path });
  return create(RunSpecSchema, { ...spec, target: { ...create(RunSpecSchema, spec).target, source } as never });
}

/** Walks a plan with made-up outcomes; `fails` says which nodes fail. Returns the recipe of each node that could be run. */
export function walk(
  plan: Pick<Plan, "nodes">,
  fails: (node: Node) => boolean = () => false,
): { readonly outcomes: Map<string, Outcome>; readonly recipes: Map<string, Recipe> } {
  const outcomes = new Map<string, Outcome>();
  const recipes = new Map<string, Recipe>();
  for (const node of plan.nodes) {
    const instance = instantiate(node, outcomes);
    assert.notEqual(instance.state, "waiting", `${node.id} comes after what it needs`);
    if (instance.state !== "ready" || fails(node)) {
      outcomes.set(node.id, { state: "failed", error: "" });
      continue;
    }
    const recipe = parseRecipe(instance.recipe);
    recipes.set(node.id, recipe);
    const selects = recipe.parameters["measure"] === "greedy";
    outcomes.set(node.id, {
      state: "done",
      digest: recipeKey(recipe),
      trained: { steps: 1, bestStep: 1, finalLoss: 1, validationAccuracy: 0.5 },
      ...(selects ? { result: { measure: "greedy", selected: [0], trials: [] } } : {}),
    });
  }
  return { outcomes, recipes };
}
