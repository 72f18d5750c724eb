import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { digestOf, parseRecipe, type Recipe, recipeKey, type Score } from "#libs/recipes";
import { methods } from "#libs/reporting";
import { parseRunFile } from "#libs/runfile";
import { OnFailure, type RunSpec, RunSpecSchema, type Study, StudySchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import { instantiate } from "../plan/instantiate.ts";
import type { Outcome } from "../plan/outcome.ts";
import type { Plan } from "../plan/planner.ts";
import type { Node } from "../plan/template.ts";

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
    const result = resultOf(recipe);
    outcomes.set(node.id, {
      state: "done",
      digest: recipeKey(recipe),
      trained: { steps: 1, bestStep: 1, finalLoss: 1, validationAccuracy: 0.5 },
      ...(result ? { result } : {}),
    });
  }
  return { outcomes, recipes };
}

/** Something that a measurement may have found: of predictions, the later the better. */
function resultOf({ kind, inputs, parameters: { measure } }: Recipe): (Outcome & { state: "done" })["result"] {
  if (measure === "greedy") return { measure, selected: [0], trials: [] };
  if (kind !== "measure" || measure !== "accuracy") return undefined;
  const scores = (inputs["predictions"] as readonly string[]).map((_, i) => ({ correct: 50 + (i % 50), count: 100, loss: 1 }));
  const mean = (score: Score) => ({ accuracy: score.correct / score.count, loss: score.loss });
  return { measure, predictions: scores.map((score) => ({ ...score, domains: [{ domain: "photo", ...score }], mean: mean(score) })) };
}

const training = { steps: 100, batch: 8, learningRate: 5e-5 };
const task = (name: string, domains: readonly string[], classes: readonly string[]) => ({
  source: digestOf(name),
  generator: "image-shards/1",
  domains: [...domains],
  classes: [...classes],
  images: domains.map(() => 40),
});

type StudyInit = Exclude<MessageInitShape<typeof StudySchema>, Study>;

const birds: StudyInit = {
  target: task("birds", ["art", "cartoon", "photo", "sketch"], ["jay", "owl", "wren"]),
  heldOut: ["photo", "sketch"],
  validationFraction: 0.2,
  network: { name: "resnet18", size: 64 },
  foundation: { from: { case: "model", value: digestOf("imagenet") } },
  auxiliaries: [
    { name: "inat", models: [digestOf("inat 1"), digestOf("inat 2")] },
    { name: "cub", task: task("cub", ["all"], ["a", "b", "c", "d"]), probe: training, training, count: 2 },
    { name: "nabirds", task: task("nabirds", ["x", "y"], ["a", "b"]), probe: training, training, count: 1 },
  ],
  probe: { ...training, validateEvery: 10 },
  members: 5,
  fineTuning: { ...training, headOnlySteps: 20, validateEvery: 20 },
  ranges: { draw: "mild/1", learningRates: [1e-5, 3e-5, 5e-5], dropouts: [0, 0.1, 0.5], weightDecays: [1e-4, 1e-6] },
  transform: { training: "domainbed/1", validation: "resize/1" },
  curves: { barriers: 3, curves: 1, points: 5 },
};

/** A study of four domains with a ready foundation, two ready models, and two auxiliary tasks with several fine-tunings each. */
export function exampleStudy(changes: StudyInit = {}): RunSpec {
  return create(RunSpecSchema, {
    name: "birds",
    seeds: [0, 1],
    backend: "tfjs-node",
    methods: [...methods],
    onFailure: OnFailure.FAIL,
    study: create(StudySchema, { ...birds, ...changes }),
  });
}
