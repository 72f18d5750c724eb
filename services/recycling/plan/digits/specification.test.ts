import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { parse } from "yaml";
import { methods } from "#libs/reporting";
import { parseRunFile, RunFileError } from "#libs/runfile";
import { RunSpecSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import { runIdOf } from "../../runs/runs.ts";
import { specifications } from "../../testing/arbitraries.ts";
import { example, root, walk } from "../../testing/plans.ts";
import { planDigits } from "./plan.ts";
import { MOST_NODES, planSize } from "./size.ts";
import { checkSpec, completeSpec } from "./specification.ts";

test("a specification that cannot be run is refused with each wrong field", () => {
  const spec = example("tiny");
  assert.deepEqual(checkSpec(spec), []);
  spec.seeds = [];
  spec.backend = "gpu";
  spec.methods = [...methods.slice(0, 2), "magic"];
  if (spec.target) spec.target.heldOut = [17];
  if (spec.fineTuning?.training) spec.fineTuning.training.learningRate = Number.NaN;
  assert.deepEqual(
    checkSpec(spec).map(({ field }) => field),
    ["spec.seeds", "spec.backend", "spec.methods", "spec.methods", "spec.target.held_out", "spec.fine_tuning.training.learning_rate"],
  );
});

test("a run's name is the first word of the refs of its models, and must be one", () => {
  const spec = example("tiny");
  for (const name of ["-a", "..", "_a", "a b", "a".repeat(61)]) {
    assert.deepEqual(
      checkSpec({ ...spec, name }).map(({ field }) => field),
      ["spec.name"],
      name,
    );
  }
  assert.deepEqual(checkSpec({ ...spec, name: "a".repeat(60) }), []);
});

test("whatever is accepted can be planned, within the size that was promised, and every recipe is valid", () => {
  let accepted = 0;
  fc.assert(
    fc.property(specifications, (sent) => {
      const spec = fromBinary(RunSpecSchema, toBinary(RunSpecSchema, sent));
      assert.match(runIdOf(spec), /^run-[0-9a-f]{16}$/);
      if (checkSpec(spec).length > 0) return;
      accepted += 1;
      const plan = planDigits(completeSpec(spec));
      assert.ok(plan.nodes.length <= planSize(spec));
      assert.equal(new Set(plan.nodes.map(({ id }) => id)).size, plan.nodes.length);
      walk(plan);
    }),
    { numRuns: 300 },
  );
  assert.ok(accepted >= 20, `${accepted} were accepted`);
});

test("a run may have so many steps and no more", () => {
  const spec = example("digits-full");
  assert.ok(planSize(spec) < MOST_NODES / 10);
  spec.seeds = Array.from({ length: 10_000 }, (_, seed) => seed);
  assert.deepEqual(
    checkSpec(spec).map(({ field }) => field),
    ["spec"],
  );
});

type Path = readonly (string | number)[];

function put(value: unknown, path: Path, last: unknown): void {
  const at = path.slice(0, -1).reduce((inner, key) => (inner as { [key: string]: unknown })[key], value);
  (at as { [key: string]: unknown })[path.at(-1) as string] = last;
}

/** Where a number stands in a run file and in a specification, and values around its bounds. */
const numbers: readonly [file: Path, spec: Path, values: readonly number[]][] = [
  [
    ["seeds", 0],
    ["seeds", 0],
    [0, 4_294_967_295],
  ],
  [
    ["target", "validation-fraction"],
    ["target", "validationFraction"],
    [0, 1e-9, 0.999, 1],
  ],
  [
    ["foundation", "hidden", 0],
    ["foundation", "hidden", 0],
    [0, 1, 65_536, 65_537],
  ],
  [
    ["foundation", "data", "classes"],
    ["foundation", "data", "classes"],
    [1, 2, 200, 201, 10_001],
  ],
  [
    ["foundation", "data", "images"],
    ["foundation", "data", "images"],
    [0, 9, 10, 10_000_000, 10_000_001],
  ],
  [
    ["foundation", "data", "rotation"],
    ["foundation", "data", "rotation"],
    [-0.1, 0, 3.15, 3.16],
  ],
  [
    ["foundation", "training", "steps"],
    ["foundation", "training", "steps"],
    [0, 1, 10_000_000, 10_000_001],
  ],
  [
    ["foundation", "training", "learning-rate"],
    ["foundation", "training", "learningRate"],
    [-1, 0, 5e-324, 100, 100.1],
  ],
  [
    ["auxiliaries", 0, "data", "classes"],
    ["auxiliaries", 0, "data", "classes"],
    [1, 2, 201],
  ],
  [
    ["probe", "batch"],
    ["probe", "batch"],
    [0, 1, 10_000_001],
  ],
  [
    ["fine-tuning", "members"],
    ["fineTuning", "members"],
    [0, 1, 1000, 1001],
  ],
  [
    ["fine-tuning", "steps"],
    ["fineTuning", "training", "steps"],
    [0, 9, 10, 10_000_001],
  ],
  [
    ["fine-tuning", "validate-every"],
    ["fineTuning", "validateEvery"],
    [0, 1, 30, 31],
  ],
  [
    ["fine-tuning", "learning-rate-factors", 0],
    ["fineTuning", "learningRateFactors", 0],
    [-1, 0, 1e-9, 100, 101],
  ],
  [
    ["fine-tuning", "dropouts", 0],
    ["fineTuning", "dropouts", 0],
    [-0.1, 0, 0.999, 1],
  ],
  [
    ["fine-tuning", "weight-decays", 0],
    ["fineTuning", "weightDecays", 0],
    [-0.1, 0, 1, 1.1],
  ],
];
const texts: readonly [file: Path, spec: Path, values: readonly string[]][] = [
  [["name"], ["name"], ["a", "-a", ".a", "a b", "a".repeat(60), "a".repeat(61)]],
  [
    ["auxiliaries", 0, "name"],
    ["auxiliaries", 0, "name"],
    ["a b/c", " ", "fused", "foundation", "a".repeat(60), "a".repeat(61), "a\nb", "a\u2028b", "a\u202eb", "a\ud800"],
  ],
  [["backend"], ["backend"], ["cpu", "gpu"]],
];

for (const [filePath, specPath, values] of [...numbers, ...texts]) {
  test(`${filePath.join(".")} has the same bounds in a run file and in a specification`, () => {
    const verdicts = values.map((value) => {
      const spec = example("tiny");
      put(spec, specPath, value);
      const file = parse(readFileSync(`${root}examples/tiny.yaml`, "utf8"));
      put(file, filePath, value);
      return { value, accepted: checkSpec(spec).length === 0, inFile: isAccepted(JSON.stringify(file)) };
    });
    for (const { value, accepted, inFile } of verdicts) assert.equal(accepted, inFile, `${value}`);
    assert.ok(verdicts.some(({ accepted }) => accepted));
  });
}

/** JSON is YAML. */
function isAccepted(text: string): boolean {
  try {
    parseRunFile(text, { path: "/run.yaml" });
    return true;
  } catch (error) {
    assert.ok(error instanceof RunFileError);
    return false;
  }
}
