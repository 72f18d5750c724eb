import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import type { ModelFiles } from "#libs/models";
import type { Digest } from "#libs/recipes";
import { mergeCard } from "./merge-card.ts";
import { type MergeFacts, parentOf, recipeText } from "./merge-facts.ts";

const digest = (digit: string): Digest => `sha256:${digit.repeat(64)}`;

/** A model at a path, of which nothing else is asked. */
function modelAt(path: string, rest: Partial<ModelFiles> = {}): ModelFiles {
  return { name: path, path, kind: "folder", files: [], tensors: new Map(), licences: [], ...rest };
}

const facts: MergeFacts = {
  method: { name: "task_arithmetic", title: "Task arithmetic", formula: "θ = θ₀ + λ Σ w_i (θ_i − θ₀)" },
  models: [
    parentOf(modelAt("/home/me/.cache/huggingface/hub/models--org--tuned/snapshots/abc"), digest("1"), 2),
    parentOf(modelAt("/home/me/models/mine|yours", { licences: ["MIT"] }), digest("2"), 1),
  ],
  base: parentOf(modelAt("set/base", { artifact: digest("9"), licences: ["Apache-2.0"] }), digest("3")),
  parameters: { method: "task_arithmetic", weights: [2, 1] },
  arithmetic: "merge/1",
  dtype: "BF16",
  licence: { expression: "Apache-2.0 AND MIT" },
  foundation: "org/base",
  configuration: "merge_method: task_arithmetic\n",
};
const options = { name: "out_1", library: "transformers", isAdapter: false };

function frontMatter(card: string): { [name: string]: unknown } {
  return parse(card.split("---\n")[1]!);
}

test("the front matter is what the hub reads: licence, the names that it can resolve, how they are related", () => {
  assert.deepEqual(frontMatter(mergeCard(facts, options)), {
    license: "other",
    license_name: "apache-2.0-and-mit",
    license_link: "https://spdx.org/licenses/",
    base_model: ["org/tuned"],
    base_model_relation: "merge",
    library_name: "transformers",
    tags: ["merge", "weight-averaging", "ratatouille", "task-arithmetic"],
  });
  const adapter = frontMatter(mergeCard({ ...facts, licence: { why: "nobody says" } }, { name: "x", library: "peft", isAdapter: true }));
  assert.deepEqual([adapter["license"], adapter["base_model"], adapter["base_model_relation"]], ["unknown", ["org/base"], "adapter"]);
});

test("every parent is there with its weight, licence and digest, and no folder of this machine", () => {
  const card = mergeCard(facts, options);
  assert.ok(card.includes(`| [org/tuned](https://huggingface.co/org/tuned) | 2 | none stated | \`${digest("1")}\` |`));
  assert.ok(card.includes(`| mine\\|yours | 1 | MIT | \`${digest("2")}\` |`));
  assert.ok(card.includes(`| set/base (base) |  | Apache-2.0 | \`${digest("3")}\` |`));
  assert.ok(card.includes("# out\\_1\n"));
  assert.ok(!`${card}${recipeText(facts)}`.includes("/home/me"));
});

test("the recipe has the digests of what went in, and of the catalog where they are from there", () => {
  const recipe = JSON.parse(recipeText(facts));
  assert.deepEqual(recipe.inputs, { models: [digest("1"), digest("2")], base: digest("3") });
  assert.deepEqual(recipe.models[2], { name: "set/base", artifact: digest("9"), weights: digest("3") });
  assert.deepEqual([recipe.licences, recipe.foundation], [["Apache-2.0", "MIT"], "org/base"]);
});
