import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStudyFile, RunFileError, renderStudyFile, runFileKind, studySpec } from "../index.ts";

const birds = `name: birds
target: { images: ./birds }
held-out: all
foundation: { network: resnet18, weights: ./resnet18.pth }
auxiliaries: [./a.safetensors, ./cub/, { name: inat, images: ./inat, models: 2, steps: 300 }]
fine-tuning: { members: 8, steps: 1000 }
backend: auto
`;
const parse = (text: string) => parseStudyFile(text, { path: "/home/ada/birds.yaml" });

function problems(text: string, read: (text: string) => unknown = parse): string[] {
  try {
    read(text);
  } catch (error) {
    assert.ok(error instanceof RunFileError, String(error));
    return error.problems.map(({ message }) => message);
  }
  return [];
}

test("ten lines are a whole run: paths are the file's own, and every number is in place", () => {
  const file = parse(birds);
  assert.deepEqual(file.target, { path: "/home/ada/birds", generator: "image-shards/1" });
  assert.deepEqual(file.foundation, { kind: "model", path: "/home/ada/resnet18.pth" });
  assert.equal(file.heldOut, undefined);
  assert.deepEqual(
    file.auxiliaries.map(({ name, from, count }) => [name, from.kind, count]),
    [
      ["a", "path", 1],
      ["cub", "path", 1],
      ["inat", "pictures", 2],
    ],
  );
  assert.equal(file.auxiliaries[2]!.training.steps, 300);
  assert.deepEqual(file.fineTuning, {
    ...{ steps: 1000, batch: 32, learningRate: 5e-5, weightDecay: 0, dropout: 0 },
    ...{ headOnlySteps: 100, validateEvery: 0, withReplacement: false },
  });
  assert.deepEqual(file.ranges.learningRates, [1e-5, 3e-5, 5e-5]);
  assert.deepEqual(file.transform, { training: "domainbed/1", validation: "resize/1" });
  assert.equal(file.probe.steps, 500);
});

test("items are held out where the file says so, and not otherwise", () => {
  assert.equal(parse(birds).heldOutItems, 0);
  const file = parse(birds.replace("held-out: all\n", "held-out: all\nheld-out-items: 0.2\n"));
  assert.equal(file.heldOutItems, 0.2);
  assert.equal(parse(renderStudyFile(file, { directory: "/home/ada" })).heldOutItems, 0.2);
});

test("the protocol of DomainBed draws, counts and trains as its code does", () => {
  const file = parse(
    "name: pacs\nprotocol: domainbed\ntarget: { images: pacs }\nheld-out: [art]\nfoundation: { network: resnet50, weights: w.pth }\n",
  );
  assert.equal(file.members, 20);
  assert.equal(file.ranges.draw, "domainbed/1");
  assert.deepEqual([file.fineTuning.steps, file.fineTuning.validateEvery, file.fineTuning.headOnlySteps], [5001, 100, 200]);
  assert.ok(file.fineTuning.withReplacement);
  assert.equal(file.probe.learningRate, 5e-5);
});

test("digits of 28 pixels are neither cropped nor resized, and learn at their own rate", () => {
  const file = parse("name: r\ntarget: { rotated-mnist: ../mnist }\nheld-out: ['0']\nfoundation: { network: mnist-cnn }\n");
  assert.deepEqual(file.target, { path: "/home/mnist", generator: "rotated-mnist/1" });
  assert.deepEqual(file.foundation, { kind: "drawn" });
  assert.deepEqual(file.transform, { training: "none/1", validation: "none/1" });
  assert.deepEqual([file.fineTuning.batch, file.fineTuning.learningRate], [64, 1e-3]);
});

test("without a held-out domain results are measured on the test domain", () => {
  assert.deepEqual(parse(birds.replace("./birds }", "./birds, test: garden }").replace("all", "none")).heldOut, ["garden"]);
});

const rows: readonly (readonly [title: string, from: string, to: string, ...expected: string[]])[] = [
  [
    "an unknown network",
    "resnet18,",
    "resnet81,",
    "unknown network `resnet81` at line 4: did you mean `resnet18`? One that only a trainer knows needs `head`, the names of the tensors of its last layer",
  ],
  [
    "no images",
    "images: ./birds",
    "test: x",
    "`target` at line 2 must have one of `images`, `records`, `rotated-mnist`, `colored-mnist`",
    "`test` at line 2 is for `held-out: none`: domains that are held out are what results are measured on",
  ],
  [
    "nothing held out and no test domain",
    "held-out: all",
    "held-out: none",
    "`held-out` at line 3 is `none`: then `target` needs `test`, the name of the domain that results are measured on and nothing is trained on",
  ],
  [
    "a foundation twice",
    "weights: ./resnet18.pth",
    "weights: x, images: y",
    "`foundation` at line 4 must have at most one of `weights`, `images`, `records`, `rotated-mnist`, `colored-mnist`",
  ],
  ["an unknown key", "backend: auto", "backends: auto", "unknown key `backends` at line 7: did you mean `backend`?"],
  [
    "an auxiliary of nothing",
    "{ name: inat, images: ./inat, models: 2, steps: 300 }",
    "{ name: inat }",
    "`auxiliaries` at line 5 must have one of `path`, `weights`, `images`, `records`, `rotated-mnist`, `colored-mnist`",
  ],
  [
    "a reserved name",
    "name: inat",
    "name: fused",
    "`auxiliaries` at line 5 has one called `fused`, which results call another start: give it a `name`",
  ],
  ["two auxiliaries of one name", "./cub/,", "b/a.pth,", "`auxiliaries` at line 5 has two called `a`: give one of them a `name`"],
  [
    "a transform that there is not",
    "backend: auto",
    "transform: { training: resise/1 }",
    "unknown transform `resise/1` at line 7: did you mean `resize/1`?",
  ],
  [
    "a transform of validation that draws",
    "backend: auto",
    "transform: { validation: domainbed/1 }",
    "`validation` at line 7 must be one of `resize/1`, `center/1`, `none/1`: `domainbed/1` draws at random",
  ],
  ["a number that cannot be", "members: 8", "members: 0", "`members` at line 6 must be a whole number from 1 to 1000, not `0`"],
];

for (const [title, from, to, ...expected] of rows) {
  test(`a run file with ${title} is refused`, () => {
    assert.ok(birds.includes(from));
    assert.deepEqual(problems(birds.replace(from, to)), expected);
  });
}

const brown =
  "name: brown\ntarget: { records: ./brown }\nheld-out: all\nfoundation: { network: tagger, head: [out.weight, out.bias] }\nauxiliaries: [./chunks, { name: tense, records: ./tense }]\n";

test("a run on records needs no transform, and has the numbers of small networks", () => {
  const file = parse(brown);
  assert.deepEqual([file.target, file.transform], [{ path: "/home/ada/brown", generator: "records/1" }, undefined]);
  assert.deepEqual([file.fineTuning.batch, file.fineTuning.learningRate], [64, 1e-3]);
  assert.equal(runFileKind(brown, { path: "/run.yaml" }), "study");
  const { study } = studySpec(file, {
    target: { source: "s", domains: ["a", "b"], classes: ["x", "y"], pictures: [3, 4] },
    auxiliaries: [
      { source: "t", domains: ["a"], classes: ["x", "y"], pictures: [3] },
      { source: "u", domains: ["a"], classes: ["x", "y"], pictures: [3] },
    ],
  });
  assert.deepEqual(
    [study?.target?.generator, study?.transform, study?.auxiliaries?.map(({ task }) => task?.generator)],
    ["records/1", undefined, ["records/1", "records/1"]],
  );
});

const recordRows: readonly (readonly [string, string, string, string])[] = [
  [
    "a transform",
    "held-out: all",
    "held-out: all\ntransform: { training: none/1 }",
    "`transform` at line 4 is for images: what records become, their trainer decides",
  ],
  ["a size", "network: tagger", "size: 32, network: tagger", "`size` at line 4 is for images: what records become, their trainer decides"],
  [
    "images beside them",
    "records: ./tense",
    "images: ./tense",
    "`auxiliaries` at line 5 is of images, and `target` is of records: a run is of one of both",
  ],
  [
    "a foundation of images",
    "network: tagger",
    "images: ./x, network: tagger",
    "`foundation` at line 4 is of images, and `target` is of records: a run is of one of both",
  ],
];

for (const [title, from, to, expected] of recordRows) {
  test(`a run file of records with ${title} is refused`, () => {
    assert.ok(brown.includes(from));
    assert.deepEqual(problems(brown.replace(from, to)), [expected]);
  });
}

test("a run file of records with a network for images is refused", () => {
  assert.deepEqual(problems(brown.replace("{ network: tagger, head: [out.weight, out.bias] }", "{ network: resnet18 }")), [
    "`network` at line 4 is `resnet18`, which is for images: records need a network that a trainer of yours knows, by a name of its own",
  ]);
});

test("a backend may be a list of engines, and the arithmetic may be named", () => {
  const file = parse(brown.replace("held-out: all", "held-out: all\nbackend: [torch, tfjs-node]\narithmetic: ~own/1"));
  assert.deepEqual([file.backend, file.backends, file.arithmetic], ["torch", ["torch", "tfjs-node"], "~own/1"]);
  const wrong = (by: string) => problems(brown.replace("held-out: all", `held-out: all\n${by}`));
  assert.deepEqual(wrong("backend: [torch, auto]"), ["`backend` at line 4 must be the name of an engine such as tfjs-node, not `auto`"]);
  assert.deepEqual(wrong("backend: [torch, torch]"), ["`backend` at line 4 has `torch` twice"]);
  assert.deepEqual(wrong("arithmetic: own/1"), [
    "`arithmetic` at line 4 must be what a trainer says that it computes, such as ~own/1, not `own/1`",
  ]);
});

test("a run file is of digits or of images, and keys of the other kind are refused in one sentence", () => {
  const kind = (text: string) => runFileKind(text, { path: "/run.yaml" });
  const digits = "name: x\nseeds: [1]\ntarget: { data: d }\n";
  assert.equal(kind(birds), "study");
  assert.equal(kind(digits), "digits");
  assert.equal(kind("name: x\n"), "digits");
  assert.equal(kind("protocol: digits\nname: x\n"), "digits");
  assert.deepEqual(problems(`${digits}held-out: all\ncurves: { points: 3 }\n`, kind), [
    "`held-out` and `curves`, first at line 4, belong to run files of images, and this one is of the digits benchmark (`target.data`)",
  ]);
  assert.deepEqual(problems(birds.replace("network: resnet18", "model: mlp"), kind), [
    "`foundation.model`, first at line 4, belongs to run files of the digits benchmark, and this one is of images (`target` with one of `images`, `records`, `rotated-mnist`, `colored-mnist`)",
  ]);
});

test("what only the files tell is said at the key's line", () => {
  const error = parse(birds).problem(["auxiliaries", 1], "is of another network");
  assert.equal(error.message, "/home/ada/birds.yaml: `auxiliaries` at line 5 is of another network");
});

test("a file that is written out with all its numbers is the same run", () => {
  const files = [
    birds,
    birds.replace("held-out: all", "held-out: [photo]").replace("./birds }", "./birds }\nprotocol: domainbed"),
    "name: r\ntarget: { colored-mnist: m }\nheld-out: ['-90%']\nfoundation: { network: mnist-cnn, channels: 2, rotated-mnist: m, steps: 7 }\n",
    brown,
    brown.replace("held-out: all", "held-out: all\nbackend: [torch, own]\narithmetic: ~own/1"),
    "name: m\ntarget: { images: p }\nheld-out: all\nfoundation: { network: mlp, hidden: [8], size: 16 }\nauxiliaries: [{ name: a, weights: [x.pth, y.pth] }]\n",
  ];
  for (const text of files) {
    const { path: _, problem: __, ...file } = parse(text);
    const rendered = renderStudyFile(parse(text), { directory: "/home/ada/out" });
    const { path: ___, problem: ____, ...again } = parseStudyFile(rendered, { path: "/home/ada/out/run.yaml" });
    assert.deepEqual(again, file);
    assert.equal(runFileKind(rendered, { path: "run.yaml" }), "study");
  }
});
