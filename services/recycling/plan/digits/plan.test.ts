import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { sub } from "#libs/deterministic";
import { type Digest, recipeKey } from "#libs/recipes";
import { OnFailure, type RunSpec } from "#proto/ratatouille/v1/recycling_pb.ts";
import { example, root, walk } from "../../testing/plans.ts";
import { instantiate } from "../instantiate.ts";
import type { Outcome } from "../outcome.ts";
import { dependencies } from "../template.ts";
import { drawHyperparameters } from "./hyperparameters.ts";
import { type DigitsPlan, planDigits } from "./plan.ts";
import { completeSpec } from "./specification.ts";

const planOf = (spec: RunSpec): DigitsPlan => planDigits(completeSpec(spec));

for (const [name, cells, perCell] of [
  ["digits", 8, 20],
  ["digits-full", 40, 30],
  ["digits-near", 40, 20],
] as const) {
  test(`${name}: every cell has its ${perCell} fine-tunings and every recipe is one of its own`, () => {
    const plan = planOf(example(name));
    assert.equal(plan.cells.length, cells);
    assert.equal(plan.nodes.filter(({ stage }) => stage === "fine-tuning").length, cells * perCell);
    assert.equal(new Set(plan.nodes.map(({ id }) => id)).size, plan.nodes.length);
    const { recipes } = walk(plan);
    assert.equal(recipes.size, plan.nodes.length);
    const keys = new Set([...recipes.values()].map(recipeKey));
    assert.equal(keys.size, plan.nodes.length);
  });
}

/** sha256 of the sorted lines "node id, recipe key": what stored runs and caches of every data directory rest on. */
const golden = {
  tiny: [72, "8de8e55db5da38105a12e6229c3217ede798149fd5497387d5b72d380dd71997"],
  digits: [332, "6acc476d8be9d16207557588bf17089f92ab152854b05c66cf98b78b05101f11"],
  "digits-near": [1660, "64147c4f3292b12a8c0e24c8ff13e3ed2ec1e231c913ca62b0363ca52c0fac8e"],
  "digits-full": [2230, "5dfd6f21b047235a4aa79aee1a1fdba96c9f1ba2f6e7b33551e9d2096b581af3"],
} as const;

for (const [name, [nodes, digest]] of Object.entries(golden)) {
  test(`${name}: every node has the recipe key that it has always had`, () => {
    const { recipes } = walk(planOf(example(name)));
    const lines = [...recipes].map(([id, recipe]) => `${id} ${recipeKey(recipe)}\n`).sort();
    assert.equal(lines.length, nodes);
    assert.equal(createHash("sha256").update(lines.join("")).digest("hex"), digest);
  });
}

test("the same specification gives the same plan", () => {
  assert.deepEqual(planOf(example("digits")), planOf(example("digits")));
});

test("hyper-parameters are those of the reference for seed 10", () => {
  const reference = JSON.parse(readFileSync(`${root}test/fixtures/digits/seed-10.json`, "utf8")).members;
  const {
    fineTuning,
    target: { domains },
  } = completeSpec(example("digits"));
  for (const [domain, members] of Object.entries(reference)) {
    const cellSeed = sub(10, 300 + domains.indexOf(Number(domain)));
    (members as { learning_rate: number; dropout: number; weight_decay: number }[]).forEach((member, m) => {
      const drawn = drawHyperparameters(cellSeed, m, fineTuning);
      assert.ok(Math.abs(drawn.learningRate - member.learning_rate) < 1e-12);
      assert.equal(drawn.dropout, member.dropout);
      assert.equal(drawn.weightDecay, member.weight_decay);
    });
  }
});

test("recycled members start from the foundation and the auxiliaries in turn, all with the shared probe's head", () => {
  const plan = planOf(example("digits"));
  const { recipes, outcomes } = walk(plan);
  const digest = (node: string) => (outcomes.get(node) as Outcome & { state: "done" }).digest;
  for (const cell of plan.cells) {
    const recycled = cell.sets.find(({ name }) => name === "recycled");
    const prefix = `${cell.seed}/${cell.heldOut}`;
    const starts = recycled?.members.map(({ initialisation }) => initialisation) ?? [];
    assert.deepEqual(starts.slice(5), starts.slice(0, 5));
    assert.equal(new Set(starts).size, 5);
    for (const { node } of recycled?.members ?? []) assert.equal(recipes.get(node)?.inputs["head"], digest(`${prefix}/probe`));
  }
});

test("the held-out domain is never trained on and never selected by", () => {
  const spec = example("digits-full");
  const plan = planOf(spec);
  const { recipes, outcomes } = walk(plan);
  for (const node of plan.nodes) {
    const cell = plan.cells.find(({ seed, heldOut }) => node.id.startsWith(`${seed}/${heldOut}/`));
    if (!cell) continue;
    const index = spec.target?.domains.findIndex((degrees) => `${degrees}°` === cell.heldOut);
    const held = (outcomes.get(`${cell.seed}/domain/${index}`) as Outcome & { state: "done" }).digest;
    const recipe = recipes.get(node.id);
    const seen =
      recipe?.kind === "evaluate" && recipe.parameters["measure"] !== "greedy"
        ? recipe.inputs["validation"]
        : Object.values(recipe?.inputs ?? {}).flat();
    assert.ok(![seen].flat().includes(held as Digest), `${node.id} sees ${cell.heldOut}`);
  }
});

test("whatever members fail, averages and evaluations take the others, and nothing else changes", () => {
  const spec = example("tiny");
  spec.onFailure = OnFailure.CONTINUE;
  const plan = planOf(spec);
  const members = plan.nodes.filter(({ expendable, stage }) => expendable && stage === "fine-tuning").map(({ id }) => id);
  fc.assert(
    fc.property(fc.subarray(members), (failed) => {
      const { recipes, outcomes } = walk(plan, ({ id }) => failed.includes(id));
      for (const cell of plan.cells) {
        const recycled = cell.sets.find(({ name }) => name === "recycled");
        const left = recycled?.members.filter(({ node }) => !failed.includes(node)) ?? [];
        const average = recipes.get(`${cell.seed}/${cell.heldOut}/recycling`);
        const digests = left.map(({ node }) => (outcomes.get(node) as Outcome & { state: "done" }).digest);
        assert.deepEqual(average?.inputs["models"], left.length > 0 ? digests : undefined);
      }
      for (const node of plan.nodes) {
        // Who cannot be run is expendable: the run goes on without it.
        if (!recipes.has(node.id)) assert.ok(node.expendable || failed.length >= 1, node.id);
        if (dependencies(node).every((id) => outcomes.get(id)?.state === "done"))
          assert.ok(recipes.has(node.id) || failed.includes(node.id));
      }
    }),
    { numRuns: 30 },
  );
});

test("auxiliary tasks are told apart, whatever their names", () => {
  const spec = example("tiny");
  spec.auxiliaries = ["a", "a/probe", "pre-training"].map((name) => ({ ...spec.auxiliaries[0]!, name }));
  const { nodes } = planOf(spec);
  assert.equal(new Set(nodes.map(({ id }) => id)).size, nodes.length);
});

test("a single member that is left is measured, and not compared with itself", () => {
  const spec = example("digits");
  spec.onFailure = OnFailure.CONTINUE;
  const plan = planOf(spec);
  const cell = plan.cells[0]!;
  const set = cell.sets.find(({ name }) => name === "recycled")!;
  const { recipes } = walk(plan, ({ id }) => set.members.slice(1).some(({ node }) => node === id));
  for (const id of [set.barriers, set.diversity, set.interpolation]) {
    assert.ok(id !== undefined && !recipes.has(id), id);
    assert.ok(plan.nodes.find((node) => node.id === id)?.expendable, id);
  }
  assert.equal(recipes.get(set.accuracy)?.inputs["models"]?.length, 1);
  assert.ok(recipes.has(`${cell.seed}/${cell.heldOut}/recycling`));
});

test("however many auxiliary tasks there are, none shares a seed with another purpose, and those of ten are as ever", () => {
  const withTasks = (count: number) => {
    const spec = example("tiny");
    spec.auxiliaries = Array.from({ length: count }, (_, j) => ({ ...spec.auxiliaries[0]!, name: `task ${j}` }));
    return walk(planOf(spec)).recipes;
  };
  const many = withTasks(40);
  const seeds = [...many].flatMap(([id, { seed, parameters }]) => {
    const alphabet = parameters["alphabetSeed"];
    return /\/(data|auxiliary)\/|pretrained$/.test(id) ? [seed, alphabet].filter((each) => each !== undefined) : [];
  });
  assert.equal(seeds.length, 4 * 40 + 3);
  assert.equal(new Set(seeds).size, seeds.length);
  for (const [id, recipe] of withTasks(10)) if (/\/(data|auxiliary)\//.test(id)) assert.deepEqual(many.get(id), recipe, id);
});

test("an order by scores is not made up where nothing says how accurate a model is", () => {
  const plan = planOf(example("digits"));
  const greedy = plan.cells[0]!.sets.find((set) => set.greedy !== undefined)!;
  const node = plan.nodes.find(({ id }) => id === greedy.greedy)!;
  const { outcomes } = walk(plan);
  const member = greedy.members[0]!.node;
  const imported: Outcome = { state: "done", digest: (outcomes.get(member) as Outcome & { state: "done" }).digest };
  const instance = instantiate(node, new Map([...outcomes, [member, imported]]));
  assert.equal(instance.state, "impossible");
  assert.match((instance as { error: string }).error, new RegExp(`nothing says how accurate ${member}`));
});
