import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { MergekitError, parseMergekit } from "./index.ts";

function problems(text: string): readonly string[] {
  try {
    parseMergekit(text, "config.yml");
  } catch (error) {
    assert.ok(error instanceof MergekitError, String(error));
    return error.problems.map(({ message }) => message);
  }
  return [];
}

const good = `merge_method: linear
models:
  - model: a
    parameters: { weight: 1 }
  - model: b
    parameters: { weight: 0.5 }
dtype: float32
`;
const sliced = `merge_method: passthrough
slices:
  - sources:
      - model: a
        layer_range: [0, 2]
`;

for (const folder of ["mergekit/cases", "mergekit-config/cases"]) {
  const cases = new URL(`../../../test/fixtures/${folder}/`, import.meta.url);
  for (const name of readdirSync(cases).filter((file) => file.endsWith(".yml"))) {
    test(`${folder}/${name} is read`, () => {
      const text = readFileSync(new URL(name, cases), "utf8");
      const [config] = parseMergekit(text, name);
      assert.equal(config.text, text);
      assert.ok(config.slices.length > 0);
    });
  }
}

test("what is read", () => {
  const [config] = parseMergekit(
    `${good}out_dtype: torch.bfloat16\nbase_model: org/base+lora\ntokenizer: { source: base }\nchat_template: auto\n`,
    "x",
  );
  assert.equal(config.method.name, "linear");
  assert.equal(config.kind, "models");
  assert.deepEqual(
    config.slices[0]!.sources.map(({ reference }) => reference.text),
    ["a", "b"],
  );
  assert.equal(config.dtype, "BF16");
  assert.equal(config.base?.model, "org/base");
  assert.equal(config.base?.adapter, "lora");
  assert.equal(config.tokenizer?.from, "base");
  assert.deepEqual(config.chatTemplate, { line: 11, column: 16 });
});

test("YAML as PyYAML has it: anchors, merges, truth values, empty values, JSON inside", () => {
  const text = `merge_method: ties
base_model: base
models:
  - model: a
    parameters: &p {"weight": 1e-1, density: "5e-1"}
  - model: b
    parameters:
      <<: *p
      density: 0.25
parameters: { normalize: yes, rescale: off, lambda: 1_0 }
tokenizer_source:
`;
  const [config] = parseMergekit(text, "x");
  const [a, b] = config.slices[0]!.sources;
  assert.deepEqual(a!.parameters.get("weight")!.conditions, [{ value: 0.1 }]);
  assert.deepEqual(b!.parameters.get("weight")!.conditions, [{ value: 0.1 }]);
  assert.deepEqual(b!.parameters.get("density")!.conditions, [{ value: 0.25 }]);
  assert.deepEqual(config.parameters.get("normalize")!.conditions, [{ value: true }]);
  assert.deepEqual(config.parameters.get("rescale")!.conditions, [{ value: false }]);
  assert.deepEqual(config.parameters.get("lambda")!.conditions, [{ value: 10 }]);
  assert.equal(config.tokenizer, undefined);
});

test("several merges come in the order in which they can be made, each with its own text", () => {
  const named = (name: string, model: string) => `name: ${name}\n${good.replace("model: a", `model: ${model}`)}`;
  const configs = parseMergekit(
    `${good.replace("model: b", "model: second+first")}---\n${named("second", "first")}---\n${named("first", "a")}`,
    "x",
  );
  assert.deepEqual(
    configs.map(({ name }) => name?.text),
    ["first", "second", undefined],
  );
  assert.equal(configs[1]!.text, named("second", "first"));
});

test("a mapping that merges itself into itself brings nothing in", () => {
  const [config] = parseMergekit("&a\nmerge_method: linear\n<<: *a\nmodels: [{ model: a, parameters: &p { <<: *p, weight: 1 } }]\n", "x");
  assert.deepEqual([...config.slices[0]!.sources[0]!.parameters.keys()], ["weight"]);
});

test("models in mergekit's long form, and with names that YAML takes for something else", () => {
  const text = good.replace("model: a", "model: { model: { path: a }, lora: { path: l } }").replace("model: b", "model: 007");
  const [a, b] = parseMergekit(text, "x")[0].slices[0]!.sources;
  assert.equal(a!.reference.text, "a+l");
  assert.equal(b!.reference.text, "007");
});

test("what mergekit knows and a method does not use is accepted, and said", () => {
  const [{ notes }] = parseMergekit(`${good}parameters: { int8_mask: true, density: 0.5 }\nname: mine\n`, "x");
  assert.deepEqual(notes, [
    "`name` at line 9 has no effect: it names one of several merges",
    "`int8_mask` at line 8 has no effect: masks take no memory here",
    "`density` at line 8 has no effect: linear does not use it",
  ]);
  const [misplaced] = parseMergekit(good.replace("{ weight: 1 }", "{ weight: 1, normalize: false }"), "x");
  assert.match(misplaced.notes[0]!, /`normalize` at line 4 has no effect: it belongs to the merge as a whole/);
});

const rows: readonly (readonly [title: string, text: string, ...expected: (string | RegExp)[]])[] = [
  ["an empty file", "", "the configuration is empty"],
  ["comments only", "# nothing\n---\n", "the configuration is empty"],
  ["no mapping", "- a\n", /^the configuration at line 1 must be a mapping with `merge_method`/],
  ["broken YAML", "merge_method: [linear\nmodels: 3", /^not YAML at line 2, column 1: /],
  ["two results", `${good}---\n${good}`, "the merge at line 9 has no `name`, as the one at line 1: only one is the result"],
  ["two merges of one name", `name: x\n${good}---\nname: x\n${good}---\n${good}`, "`name` at line 10 is `x` again, as at line 1"],
  ["no result", `name: x\n${good}---\nname: y\n${good}`, "every merge has a `name`: leave it out in the one that is the result"],
  [
    "merges in a circle",
    `name: x\n${good.replace("model: a", "model: y")}---\nname: y\n${good.replace("model: a", "model: x")}---\n${good}`,
    "`x` at line 13 is a merge that needs this one first: they go in a circle",
  ],
  ["a name that is no folder", `name: a/b\n${good}---\n${good}`, /^`name` at line 1 must be letters, digits, .* not `a\/b`$/],
  [
    "no method",
    good.replace("merge_method: linear\n", ""),
    "the configuration at line 1 needs `merge_method`, for example `merge_method: linear`",
  ],
  [
    "an unknown method",
    good.replace("linear", "linaer"),
    /^`merge_method` at line 1 is `linaer`, which is not here; did you mean linear\?$/,
  ],
  [
    "a field that every object has",
    `${good}constructor: ties\n`,
    /^`constructor` at line 8 is not known here; possible are `merge_method`, /,
  ],
  ["an unknown field", `${good}merge_metod: ties\n`, /^`merge_metod` at line 8 is not known here; possible are `merge_method`, /],
  ["a field given twice", `${good}dtype: float16\n`, "`dtype` at line 8 is given twice, first at line 7"],
  [
    "neither models nor slices",
    "merge_method: linear\n",
    "the configuration at line 1 must have exactly one of `models`, `slices` and `modules`",
  ],
  [
    "models and slices",
    `${good}slices: []\n`,
    "the configuration at line 1 must have exactly one of `models`, `slices` and `modules`, not `models` and `slices`",
  ],
  ["no models", "merge_method: linear\nmodels: []\n", "`models` at line 2 must have at least one model"],
  [
    "models that are no list",
    "merge_method: linear\nmodels: a\n",
    "`models` at line 2 must be a list",
    "`models` at line 2 must have at least one model",
  ],
  [
    "an item without a model",
    "merge_method: linear\nmodels:\n  - parameters: {}\n",
    "`models` at line 3 needs `model` in each of its items",
  ],
  [
    "an unknown field of a model",
    good.replace("  - model: b\n", "  - model: b\n    wieght: 1\n"),
    "`wieght` at line 6 is not known here; possible are `model`, `parameters`",
  ],
  [
    "a model twice",
    good.replace("model: b", "model: a"),
    "`model` at line 5 is `a` again, as at line 3: name it once, with the sum of the weights",
  ],
  ["a revision", good.replace("model: a", "model: org/a@main"), /^`model` at line 3 names the revision `main`: nothing is downloaded here/],
  ["two adapters", good.replace("model: a", "model: a+b+c"), "`model` at line 3 must be a model or model+adapter, not `a+b+c`"],
  [
    "an overridden architecture",
    good.replace("model: a", "model: { model: a, override_architecture: X }"),
    "`override_architecture` at line 3 is not taken: models are compared by their tensors",
  ],
  [
    "an unknown parameter",
    good.replace("{ weight: 1 }", "{ weigth: 1 }"),
    "`weigth` at line 4 is no parameter of linear: it has `weight`, `normalize`",
  ],
  ["text for a number", good.replace("{ weight: 1 }", "{ weight: heavy }"), "`weight` at line 4 must be a number, not `heavy`"],
  ["a truth value for a number", good.replace("{ weight: 1 }", "{ weight: true }"), "`weight` at line 4 must be a number, not `true`"],
  ["a number for a truth value", `${good}parameters: { normalize: 2 }\n`, "`normalize` at line 8 must be true or false, not `2`"],
  ["a number inside a gradient", good.replace("weight: 1", "weight: [0, x]"), "`weight` at line 4 must be a number, not `x`"],
  [
    "a condition without a value",
    good.replace("weight: 1", "weight: [{ filter: mlp }]"),
    "`weight` at line 4 has a condition without `value`",
  ],
  [
    "an unknown field of a condition",
    good.replace("weight: 1", "weight: [{ filtre: mlp, value: 1 }]"),
    "`filtre` at line 4 is not known here; possible are `filter`, `value`",
  ],
  ["parameters that are a list", good.replace("{ weight: 1 }", "[1]"), "`parameters` at line 4 must be a mapping of names to values"],
  [
    "an unknown type",
    good.replace("float32", "int8"),
    "`dtype` at line 7 must be one of `float64`, `float32`, `float16`, `bfloat16`, not `int8`",
  ],
  ["no layer range", sliced.replace("        layer_range: [0, 2]\n", ""), /^`sources` at line 4 needs `layer_range`/],
  ...["[2, 0]", "[0]", "[0, 1, 2]", "[a, b]", "[-1, 2]", "[0, 1.5]"].map(
    (range) => [`the range ${range}`, sliced.replace("[0, 2]", range), /^`layer_range` at line 5 must be \[first, end\]/] as const,
  ),
  [
    "sources of different lengths",
    `${sliced}      - model: b\n        layer_range: [0, 3]\n`,
    "`sources` at line 4 must all have as many layers, not 2 and 3",
  ],
  ["a residual weight", `${sliced}    residual_weight: 0.5\n`, /^`residual_weight` at line 6 is not taken: /],
  ["a slice without sources", "merge_method: passthrough\nslices:\n  - parameters: {}\n", "`slices` at line 3 needs `sources`"],
  [
    "several modules",
    "merge_method: linear\nmodules:\n  text: { models: [] }\n  vision: { models: [] }\n",
    "`modules` at line 3 must have one module, not `text`, `vision`: merge the parts of a multi-modal model one by one",
  ],
  [
    "a module with both",
    "merge_method: linear\nmodules:\n  text: { models: [], slices: [] }\n",
    "`text` at line 3 must have either `models` or `slices`, not `models` and `slices`",
  ],
  [
    "tokenizer and tokenizer_source",
    `${good}tokenizer_source: base\ntokenizer: { source: base }\n`,
    "`tokenizer` at line 9 is given, and `tokenizer_source` too: one of them is enough",
  ],
  [
    "single tokens",
    `${good}tokenizer:\n  tokens: { x: { source: a } }\n`,
    "`tokens` at line 9 is not taken: rows of embeddings are not made for single tokens here",
  ],
  [
    "padding",
    `${good}tokenizer:\n  source: base\n  pad_to_multiple_of: 8\n`,
    "`pad_to_multiple_of` at line 10 is not taken: embeddings keep the shape that the models have",
  ],
  ["a chat template by name", `${good}chat_template: chatml\n`, /^`chat_template` at line 8 is `chatml`, and only `auto` is taken/],
  [
    "a chat template in full",
    `${good}chat_template: "{{ bos }} and so on and so on and so on"\n`,
    /^`chat_template` at line 8 is a template, /,
  ],
];

for (const [title, text, ...expected] of rows) {
  test(`${title} is refused, by name and line`, () => {
    const found = problems(text);
    assert.equal(found.length, expected.length, found.join("\n"));
    found.forEach((message, i) => {
      const wanted = expected[i]!;
      if (typeof wanted === "string") assert.equal(message, wanted);
      else assert.match(message, wanted);
    });
  });
}

test("all mistakes come at once, in the order of lines", () => {
  const text = `merge_method: nothing\nmodels:\n  - modle: a\ndtype: int8\n`;
  assert.throws(
    () => parseMergekit(text, "c.yml"),
    /^MergekitError: c\.yml has 4 mistakes:\n {2}`merge_method` at line 1 .*\n.*line 3.*\n.*line 3.*\n.*line 4/,
  );
});

test("whatever the text is, it is read or refused with lines that are in it", () => {
  const sources = [
    good,
    sliced,
    readFileSync(new URL("../../../test/fixtures/mergekit-config/cases/precedence.yml", import.meta.url), "utf8"),
  ];
  const piece = fc.oneof(
    fc.constantFrom(
      "- ",
      ": ",
      "\n",
      "  ",
      "{",
      "}",
      "[",
      "]",
      "&a ",
      "*a",
      "<<: ",
      "null",
      "---\n",
      "true",
      "~",
      '"',
      "#",
      "!!x ",
      "weight",
      "?",
      "|",
      "1e999",
    ),
    fc.string({ maxLength: 4 }),
  );
  const edit = fc.record({ at: fc.nat(2000), remove: fc.nat(12), insert: piece });
  fc.assert(
    fc.property(fc.constantFrom(...sources), fc.array(edit, { minLength: 1, maxLength: 4 }), (source, edits) => {
      let text = source;
      for (const { at, remove, insert } of edits) {
        const place = at % (text.length + 1);
        text = text.slice(0, place) + insert + text.slice(place + remove);
      }
      try {
        assert.ok(parseMergekit(text, "x").length > 0);
      } catch (error) {
        assert.ok(error instanceof MergekitError, `${error} for ${JSON.stringify(text)}`);
        const lines = text.split(/\r\n|\r|\n/).length + 1;
        assert.ok(error.problems.every(({ line }) => line >= 1 && line <= lines));
        assert.ok(error.problems.length > 0);
      }
    }),
    { numRuns: 1500 },
  );
});

test("configurations of other tools are called what they are, in one sentence", () => {
  const message = (text: string) => {
    try {
      parseMergekit(text, "c.yml");
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };
  assert.match(
    message("base_model: base\ngate_mode: hidden\nexperts:\n  - source_model: a\n    positive_prompts: [x]\n"),
    /^c\.yml: the configuration at line 1 is one of mergekit-moe, which builds a mixture of experts[^\n]*$/,
  );
  assert.match(message("genome:\n  models: [a]\n"), /^c\.yml: the configuration at line 1 is one of mergekit-evolve[^\n]*$/);
  assert.match(message("base_model: a\ndatasets:\n  - path: x\nadapter: lora\n"), /is one for training \(axolotl\)/);
  assert.match(message("base_model: base\nmodels: []\n"), /needs `merge_method`/);
});
