import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { OnFailure, RunSpecSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import { parseRunFile, RunFileError } from "../index.ts";

const minimal = "name: x\nseeds: [1]\ntarget: { data: d }\n";
const parse = (text: string) => parseRunFile(text, { path: "/somewhere/run.yaml" });

function problems(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof RunFileError, String(error));
    return error.problems.map(({ message }) => message);
  }
  return [];
}

const example = (name: string) => {
  const path = fileURLToPath(new URL(`../../../examples/${name}.yaml`, import.meta.url));
  return parseRunFile(readFileSync(path, "utf8"), { path });
};

test("what a file leaves out is the digits benchmark", () => {
  const { spec } = parse(minimal);
  const { spec: digits } = example("digits");
  assert.deepEqual({ ...spec, name: "", seeds: [], methods: [] }, { ...digits, name: "", seeds: [], methods: [] });
});

test("the examples are the benchmark, the whole of it, its control, and a tiny one", () => {
  const { spec: digits, dataPath } = example("digits");
  const { spec: full } = example("digits-full");
  const { spec: near } = example("digits-near");
  const { spec: tiny } = example("tiny");
  assert.deepEqual(digits.seeds, [10, 11]);
  assert.ok(!digits.methods?.includes("fusing"));
  assert.equal(digits.methods?.length, 9);
  assert.deepEqual(full, { ...digits, name: "digits-full", seeds: [10, 11, 12, 13, 14, 15, 16, 17, 18, 19], methods: full.methods });
  assert.equal(full.methods?.length, 10);
  assert.deepEqual(
    near.auxiliaries?.map(({ data }) => data?.rotation),
    [0.2, 0.2, 0.2, 0.6],
  );
  assert.equal(near.foundation?.data?.rotation, 0.3);
  assert.deepEqual(digits.fineTuning?.training, { steps: 300, batch: 20, learningRate: 0.005 });
  assert.deepEqual(digits.fineTuning?.weightDecays, [1e-4, 1e-6]);
  assert.equal(tiny.methods?.length, 10);
  assert.ok(dataPath.endsWith("/data/digits") && !dataPath.includes(".."));
  for (const spec of [digits, full, near, tiny]) {
    const message = create(RunSpecSchema, spec);
    assert.deepEqual(fromBinary(RunSpecSchema, toBinary(RunSpecSchema, message)), message);
  }
});

test("the data path is relative to the run file", () => {
  assert.equal(parse(minimal).dataPath, "/somewhere/d");
  assert.equal(parse(minimal.replace("data: d", "data: /data/x")).dataPath, "/data/x");
});

test("on-failure is part of the specification", () => {
  assert.equal(parse(minimal).spec.onFailure, OnFailure.FAIL);
  assert.equal(parse(`${minimal}on-failure: continue\n`).spec.onFailure, OnFailure.CONTINUE);
});

test("aliases stand for what they name, also in messages", () => {
  const text = `${minimal}probe: &t { steps: 5, batch: 2, learning-rate: 1 }\nfoundation: { training: *t }\n`;
  assert.deepEqual(parse(text).spec.foundation?.training, { steps: 5, batch: 2, learningRate: 1 });
  assert.deepEqual(problems(text.replace("steps: 5", "steps: 0")), [
    "`steps` at line 4 must be a whole number from 1 to 10000000, not `0`",
    "`steps` at line 4 must be a whole number from 1 to 10000000, not `0`",
  ]);
});

const styles = "`plain`, `blur`, `low`, `noise`, `occlusion`, `gradient`, `thick`, `outline`, `thin`";
const rows: readonly (readonly [title: string, text: string, ...expected: string[]])[] = [
  ["an empty file", "", "the run file is empty"],
  ["a file of comments", "# nothing\n", "the run file is empty"],
  [
    "broken YAML",
    "name: [1, 2\nseeds: 3",
    "not YAML at line 2, column 1: Flow sequence in block collection must be sufficiently indented and end with a ]",
  ],
  ["tabs", "target:\n\tdata: x", "not YAML at line 2, column 1: Tabs are not allowed as indentation"],
  [
    "not a mapping",
    "- a\n- b\n",
    "the run file at line 1 must have the keys `name`, `protocol`, `seeds`, `backend`, `target`, `foundation`, `auxiliaries`, `probe`, `fine-tuning`, `methods`, `on-failure`",
  ],
  ["a missing name", minimal.replace("name: x\n", ""), "key `name` is missing at line 1, for example `name: my-run`"],
  [
    "missing data",
    "name: x\nseeds: [1]\ntarget: { domains: [0, 25], held-out: [0] }\n",
    "key `data` is missing in `target` at line 3, for example `data: ../data/digits`",
  ],
  [
    "an unknown key",
    `${minimal}fine-tuning:\n  lerning-rate: 1e-3\n`,
    "unknown key `lerning-rate` at line 5: did you mean `learning-rate`?",
  ],
  ["underscores", `${minimal}fine_tuning: {}\n`, "unknown key `fine_tuning` at line 4: did you mean `fine-tuning`?"],
  [
    "an unknown key like no other",
    `${minimal}probe: { zzz: 1 }\n`,
    "unknown key `zzz` at line 4: possible here: `steps`, `batch`, `learning-rate`",
  ],
  ["a key given twice", `${minimal}seeds: [2]\n`, "`seeds` at line 4 is given twice, first at line 2"],
  ["a key without a value", `${minimal}backend:\n`, "`backend` at line 4 has no value"],
  ["a list for a mapping", `${minimal}probe: [1]\n`, "`probe` at line 4 must have the keys `steps`, `batch`, `learning-rate`"],
  ["a scalar for a list", minimal.replace("[1]", "1"), "`seeds` at line 2 must be a list: [1]"],
  ["no seeds", minimal.replace("[1]", "[]"), "`seeds` at line 2 must have at least one value"],
  ["a negative seed", minimal.replace("[1]", "[-1]"), "`seeds` at line 2 must be a whole number from 0 to 4294967295, not `-1`"],
  [
    "a seed above 32 bits",
    minimal.replace("[1]", "[4294967296]"),
    "`seeds` at line 2 must be a whole number from 0 to 4294967295, not `4294967296`",
  ],
  ["a fractional seed", minimal.replace("[1]", "[1.5]"), "`seeds` at line 2 must be a whole number from 0 to 4294967295, not `1.5`"],
  ["a seed twice", minimal.replace("[1]", "[1, 2, 1]"), "`seeds` at line 2 has `1` twice"],
  ["a number as text", `${minimal}probe: { steps: "10" }\n`, '`steps` at line 4 must be a whole number from 1 to 10000000, not `"10"`'],
  ["text as a number", minimal.replace("name: x", "name: 12"), "`name` at line 1 must be text, not `12` (quotes make it text)"],
  ...["_x", '"my run"', '" "', "a/b", ".x", `${"a".repeat(61)}`].map(
    (name) =>
      [
        `the name ${name}`,
        minimal.replace("name: x", `name: ${name}`),
        `\`name\` at line 1 must be 1 to 60 letters, digits, '.', '_' and '-', the first a letter or a digit, not \`${name.length > 60 ? `${name.slice(0, 59)}…` : name}\``,
      ] as const,
  ),
  [
    "a blank name of an auxiliary",
    `${minimal}auxiliaries:\n  - { name: " ", data: {} }\n`,
    '`name` at line 5 must be one line of 1 to 60 characters, not `" "`',
  ],
  [
    "a mapping for a number",
    `${minimal}probe: { steps: { a: 1 } }\n`,
    "`steps` at line 4 must be a whole number from 1 to 10000000, not a mapping",
  ],
  [
    "infinity",
    `${minimal}probe: { learning-rate: .inf }\n`,
    "`learning-rate` at line 4 must be a number above 0 and at most 100, not `.inf`",
  ],
  ["zero members", `${minimal}fine-tuning: { members: 0 }\n`, "`members` at line 4 must be a whole number from 1 to 1000, not `0`"],
  [
    "a negative learning rate",
    `${minimal}fine-tuning: { learning-rate: -0.1 }\n`,
    "`learning-rate` at line 4 must be a number above 0 and at most 100, not `-0.1`",
  ],
  [
    "a learning rate of zero",
    `${minimal}probe: { learning-rate: 0 }\n`,
    "`learning-rate` at line 4 must be a number above 0 and at most 100, not `0`",
  ],
  [
    "a dropout of one",
    `${minimal}fine-tuning: { dropouts: [0, 1] }\n`,
    "`dropouts` at line 4 must be a number of 0 or more and below 1, not `1`",
  ],
  ["an unknown method", `${minimal}methods: [recycling, soop]\n`, "unknown method `soop` at line 4: did you mean `soup`?"],
  ["a method by another name", `${minimal}methods: [recycle]\n`, "unknown method `recycle` at line 4: did you mean `recycling`?"],
  ["methods without recycling", `${minimal}methods: [erm]\n`, "`methods` at line 4 must have `recycling` among them"],
  ["an unknown style", `${minimal}foundation: { data: { styles: [Blurr] } }\n`, "unknown style `Blurr` at line 4: did you mean `blur`?"],
  [
    "a style like no other",
    `${minimal}foundation: { data: { styles: [rembrandt] } }\n`,
    `unknown style \`rembrandt\` at line 4: possible here: ${styles}`,
  ],
  ["an unknown backend", `${minimal}backend: cuda\n`, "unknown backend `cuda` at line 4: possible here: `wasm`, `cpu`, `auto`"],
  ["an unknown model", `${minimal}foundation: { model: mpl }\n`, "unknown model `mpl` at line 4: did you mean `mlp`?"],
  ["an unknown choice", `${minimal}on-failure: contine\n`, "unknown choice `contine` at line 4: did you mean `continue`?"],
  [
    "an unknown domain",
    "name: x\nseeds: [1]\ntarget:\n  data: d\n  domains: [0, 25]\n  held-out:\n    - 0\n    - 30\n",
    "unknown domain `30` in `held-out` at line 8: did you mean `25`? `domains` has `0`, `25`",
  ],
  [
    "a held-out domain that is the only training domain",
    "name: x\nseeds: [1]\ntarget: { data: d, domains: [50], held-out: [50] }\n",
    "held-out domain `50` at line 3 is also the only training domain: `domains` needs at least two",
  ],
  ["a domain twice", "name: x\nseeds: [1]\ntarget: { data: d, domains: [50, 50], held-out: [50] }\n", "`domains` at line 3 has `50` twice"],
  [
    "a validation fraction of zero",
    "name: x\nseeds: [1]\ntarget: { data: d, validation-fraction: 0 }\n",
    "`validation-fraction` at line 3 must be a number above 0 and below 1, not `0`",
  ],
  [
    "a validation fraction of one",
    "name: x\nseeds: [1]\ntarget: { data: d, validation-fraction: 1.0 }\n",
    "`validation-fraction` at line 3 must be a number above 0 and below 1, not `1.0`",
  ],
  ["no auxiliaries", `${minimal}auxiliaries: []\n`, "`auxiliaries` at line 4 must have at least one value"],
  [
    "an auxiliary with a reserved name",
    `${minimal}auxiliaries:\n  - name: foundation\n    data: {}\n`,
    "`name` at line 5 cannot be `foundation`: that is what results call another start of fine-tunings",
  ],
  [
    "an auxiliary twice",
    `${minimal}auxiliaries:\n  - { name: a, data: {} }\n  - { name: a, data: {} }\n`,
    "`name` at line 6 is `a` again: every auxiliary needs its own",
  ],
  [
    "fewer images than classes",
    `${minimal}foundation: { data: { images: 5, classes: 10 } }\n`,
    "`images` at line 4 must be at least `classes` (10), not 5",
  ],
  [
    "validation after the last step",
    `${minimal}fine-tuning: { steps: 10, validate-every: 20 }\n`,
    "`validate-every` at line 4 must be at most `steps` (10), or no checkpoint is ever chosen",
  ],
  [
    "many mistakes at once, in the order of lines",
    "nmae: x\nseeds: [1, -2]\ntarget: { data: d }\nfine-tuning:\n  members: 0\n  lerning-rate: 1\n",
    "key `name` is missing at line 1, for example `name: my-run`",
    "unknown key `nmae` at line 1: did you mean `name`?",
    "`seeds` at line 2 must be a whole number from 0 to 4294967295, not `-2`",
    "`members` at line 5 must be a whole number from 1 to 1000, not `0`",
    "unknown key `lerning-rate` at line 6: did you mean `learning-rate`?",
  ],
];

for (const [title, text, ...expected] of rows) {
  test(`a run file with ${title} is refused`, () => assert.deepEqual(problems(text).sort(), expected.sort()));
}

test("the error says the file, and where more than one thing is wrong, all of them", () => {
  assert.throws(() => parse(""), { name: "RunFileError", message: "/somewhere/run.yaml: the run file is empty" });
  assert.throws(() => parse(minimal.replace("[1]", "[-1, -2]")), {
    message: /^\/somewhere\/run.yaml has 2 mistakes:\n {2}`seeds` at line 2 .*`-1`\n {2}`seeds` at line 2 .*`-2`$/,
  });
});

test("columns are those of the value, or of the key where that is wrong", () => {
  assert.throws(
    () => parse(`${minimal}fine-tuning: { members: 0, x: 1 }\n`),
    (error: RunFileError) => {
      assert.deepEqual(
        error.problems.map(({ line, column }) => [line, column]),
        [
          [4, 25],
          [4, 28],
        ],
      );
      return true;
    },
  );
});

test("whatever a file holds, it is read or refused with places, never anything else", () => {
  const line = fc.oneof(
    fc.constantFrom(...readFileSync(fileURLToPath(new URL("../../../examples/tiny.yaml", import.meta.url)), "utf8").split("\n")),
    fc.constantFrom(
      "seeds: [~]",
      "target: *x",
      "? [a, b]\n: c",
      "auxiliaries: [~, 1, {}]",
      "<<: {}",
      "probe: &p { steps: *p }",
      "---",
      "'",
    ),
    fc.string({ maxLength: 12 }),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
      try {
        parse(lines.join("\n"));
      } catch (error) {
        assert.ok(error instanceof RunFileError, String(error));
        assert.ok(error.problems.length > 0 && error.problems.every((problem) => problem.line >= 1 && problem.column >= 1));
      }
    }),
    { numRuns: 300 },
  );
});

test("mistakes of single values and those between values are told in one go", () => {
  const text = [
    "name: x",
    "seeds: [-1]",
    "target: { data: d, domains: [0, 30], held-out: [31], validation-fraction: 2 }",
    "foundation: { data: { classes: 50, images: 20 }, hidden: [] }",
    "auxiliaries: [{ name: a, data: { classes: 5, images: 2, rotation: 9 } }, { name: a, data: {} }]",
    "fine-tuning: { steps: 10, validate-every: 20, members: 0 }",
    "methods: [soup]",
  ].join("\n");
  assert.throws(
    () => parseRunFile(text, { path: "run.yaml" }),
    (error: unknown) => {
      assert.ok(error instanceof RunFileError);
      const said = error.problems.map(({ line, message }) => `${line} ${/`([a-z-]+)`/.exec(message)?.[1]}`);
      assert.deepEqual(
        said.sort(),
        [
          "2 seeds",
          "3 validation-fraction",
          "3 held-out",
          "4 hidden",
          "4 images",
          "5 images",
          "5 name",
          "5 rotation",
          "6 members",
          "6 validate-every",
          "7 methods",
        ].sort(),
      );
      assert.match(error.message, /^run\.yaml has 11 mistakes:\n/);
      return true;
    },
  );
});
