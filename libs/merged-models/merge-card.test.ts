import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import type { ModelFiles } from "#libs/models";
import type { Digest } from "#libs/recipes";
import { hubNameOf, isHubName } from "./hub-name.ts";
import { mergeCard, mergeLicence } from "./merge-card.ts";
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
    license_link: "LICENSE",
    base_model: ["org/tuned"],
    base_model_relation: "merge",
    library_name: "transformers",
    tags: ["merge", "weight-averaging", "ratatouille", "task-arithmetic"],
  });
  const adapter = frontMatter(mergeCard({ ...facts, licence: { why: "nobody says" } }, { name: "x", library: "peft", isAdapter: true }));
  assert.deepEqual([adapter["license"], adapter["base_model"], adapter["base_model_relation"]], ["unknown", ["org/base"], "adapter"]);
});

test("names that the hub can resolve, by the rules of huggingface_hub", () => {
  for (const name of ["123", "foo", "foo/123", "Foo-BAR_foo.bar123", "Foo-BAR_foo.bar123/baz", "gpt2", "org/model-7B-v0.1"])
    assert.ok(isHubName(name), name);
  const others = [
    "",
    ".",
    "/",
    "foo/",
    "/foo",
    "-foo",
    "foo-",
    ".foo",
    "foo.",
    "foo--bar",
    "foo..bar",
    "foo bar",
    "foo.git",
    "a/b/c",
    "./foo",
  ];
  for (const name of [...others, "x".repeat(97), "datasets/foo/bar", "a/-b", "a-/b", "a/.b"]) assert.ok(!isHubName(name), name);
});

test("a model is one of the hub by its place in the cache, or by the name that it was asked for; a folder that is only called so is none", () => {
  const snapshot = "/x/hub/models--org--my-model.v2/snapshots/0a1b";
  assert.equal(hubNameOf(modelAt(snapshot)), "org/my-model.v2");
  assert.equal(hubNameOf(modelAt(`${snapshot}/model.safetensors`, { kind: "file" })), "org/my-model.v2");
  assert.equal(hubNameOf(modelAt("models--gpt2/snapshots/0a1b")), "gpt2");
  assert.equal(hubNameOf(modelAt("/models/org/name", { name: "org/name" })), "org/name");
  for (const path of ["org/name", "./org/name", "/x/models--org--name", "/x/org/name"]) assert.equal(hubNameOf(modelAt(path)), undefined);
  assert.equal(hubNameOf(modelAt("/tmp/x", { name: "digits/champion", artifact: digest("9") })), undefined);
});

test("a model that was asked for as organisation and name keeps both; folders of this machine are in no name", () => {
  const found = parentOf(modelAt("/models/org/name", { name: "org/name" }), digest("1"));
  assert.deepEqual([found.label, found.hub], ["org/name", "org/name"]);
  for (const path of ["models/name", "/home/me/org/name", "../org/name"]) {
    const { label, hub } = parentOf(modelAt(path), digest("1"));
    assert.deepEqual([label, hub], ["name", undefined]);
  }
});

test("LICENSE says which licence applies, which ones the inputs have and where these are, and has the texts that came along, each once", () => {
  const texts = ["mine", "org/tuned"].map((label) => ({ label, file: "LICENSE", text: "Permission is granted.\n" }));
  const text = mergeLicence(facts, "out", texts)!;
  assert.ok(text.startsWith("Licence of out\n\nApache-2.0 AND MIT, as follows"));
  assert.ok(
    text.includes("- org/tuned (https://huggingface.co/org/tuned): no licence is stated\n- mine|yours: MIT\n- set/base: Apache-2.0"),
  );
  assert.ok(text.includes("\nMIT: https://spdx.org/licenses/MIT.html\n"));
  assert.ok(text.includes("LICENSE of mine, LICENSE of org/tuned"));
  assert.equal(text.split("Permission is granted.").length, 2);
  assert.ok(mergeCard(facts, { ...options, hasLicenceFile: true }).includes("See [LICENSE](LICENSE)."));

  const plain = { ...facts, licence: { expression: "MIT" } };
  assert.equal(mergeLicence(plain, "out", []), undefined);
  assert.ok(mergeLicence(plain, "out", texts)?.includes("Permission is granted."));
  const own = { ...facts, licence: { expression: "LicenseRef-our-own" } };
  assert.equal(frontMatter(mergeCard(own, options))["license_link"], "LICENSE");
  assert.ok(
    mergeLicence({ ...own, models: [{ ...facts.models[0]!, licences: ["LicenseRef-our-own"] }] }, "out", [])?.includes(
      "LicenseRef-our-own: SPDX does not list it.",
    ),
  );
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
