import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, type Measurement, type PredictionScore } from "#libs/recipes";
import { OnFailure } from "#proto/ratatouille/v1/recycling_pb.ts";
import { exampleStudy } from "../../testing/plans.ts";
import type { Outcome } from "../outcome.ts";
import type { Node, Source } from "../template.ts";
import { collectStudy } from "./collect.ts";
import { planStudy, type StudyPlan } from "./plan.ts";
import { completeStudy } from "./specification.ts";

const noCurve = async () => ({ loss: [], validation: [] });

/** Outcomes in which the predictions with these ids have these numbers right of 100; of the others 50. Some nodes failed. */
function outcomesOf({ nodes }: StudyPlan, correct: Readonly<Record<string, number>>, failed: readonly string[] = []): Map<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  const scoreOf = (id: string): PredictionScore => {
    const right = correct[id] ?? 50;
    const score = { correct: right, count: 100, loss: right / 100 };
    return { ...score, domains: [{ domain: "photo", ...score }], mean: { accuracy: right / 100, loss: score.loss } };
  };
  const resultOf = ({ template }: Node): Measurement | undefined => {
    if (template.kind !== "measure") return undefined;
    const made = (template.inputs["predictions"] as readonly Source[]).flatMap((source) =>
      "node" in source && outcomes.get(source.node)?.state === "done" ? [source.node] : [],
    );
    if (template.parameters["measure"] === "ensemble")
      return { measure: "ensemble", correct: 80, count: 100, loss: 1, domains: [], mean: { accuracy: 0.8, loss: 1 } };
    if (template.parameters["measure"] === "calibration")
      return { measure: "calibration", predictions: made.map((_, i) => ({ ece: 0.1 * i, brier: 0.2, bins: [], domains: [] })) };
    if (template.parameters["measure"] === "diversity") return { measure: "diversity", ratioError: 0.7, pairs: 3 };
    return { measure: "accuracy", predictions: made.map(scoreOf) };
  };
  for (const node of nodes) {
    const result = resultOf(node);
    const lost = failed.some((id) => node.id === id || node.id.startsWith(`${id}/`));
    outcomes.set(
      node.id,
      lost
        ? { state: "failed", error: "the loss is not a number" }
        : { state: "done", digest: digestOf(node.id), ...(result ? { result } : {}) },
    );
  }
  return outcomes;
}

function planned() {
  const spec = exampleStudy({ heldOut: ["photo"], members: 3, curves: { barriers: 2, curves: 1, points: 5 } });
  spec.seeds = [0];
  spec.onFailure = OnFailure.CONTINUE;
  return planStudy(completeStudy(spec));
}

test("members, averages, ensembles and diversity have their own numbers", async () => {
  const plan = planned();
  const [cell] = await collectStudy(
    plan.cells,
    outcomesOf(plan, { "0/2/recycled/1/held-out": 61, "0/2/recycled/1/validation": 72, "0/2/recycling/held-out": 77 }),
    noCurve,
  );
  const member = cell!.members.find(({ set, index }) => set === "recycled" && index === 1)!;
  assert.equal(member.accuracy, 0.61);
  assert.equal(member.validationAccuracy, 0.72);
  assert.equal(member.model, digestOf("0/2/recycled/1"));
  assert.equal(cell!.members.length, 9);
  const accuracies = Object.fromEntries(cell!.averages.map(({ method, accuracy, members }) => [method, [accuracy, members]]));
  assert.deepEqual(accuracies["recycling"], [0.77, 3]);
  assert.deepEqual(accuracies["recycling-ensemble"], [0.8, 3]);
  assert.deepEqual(accuracies["linear-probe"], [0.5, 1]);
  assert.deepEqual(
    cell!.diversity.find(({ set }) => set === "soup"),
    { set: "soup", ratioError: 0.7, pairs: 3 },
  );
});

test("barriers are what is lost halfway, and a curve goes from one end to the other", async () => {
  const plan = planned();
  const on = (part: string) => ({
    [`0/2/soup/0/${part}`]: 60,
    [`0/2/soup/1/${part}`]: 70,
    [`0/2/soup/2/${part}`]: 80,
    [`0/2/soup/between/0-1/1-of-4/${part}`]: 61,
    [`0/2/soup/between/0-1/1-of-2/${part}`]: 62,
    [`0/2/soup/between/0-1/3-of-4/${part}`]: 66,
    [`0/2/soup/between/1-2/1-of-2/${part}`]: 76,
  });
  const [cell] = await collectStudy(plan.cells, outcomesOf(plan, { ...on("held-out"), ...on("validation") }), noCurve);
  const [barrier] = cell!.barriers.filter(({ set, domain }) => set === "soup" && domain === "held-out");
  assert.ok(Math.abs(barrier!.mean - (0.65 - 0.62 + 0.75 - 0.76) / 2) < 1e-12);
  assert.ok(Math.abs(barrier!.max - 0.03) < 1e-12);
  assert.deepEqual(
    cell!.interpolations.filter(({ set }) => set === "soup"),
    [
      {
        set: "soup",
        pair: [0, 1],
        lambdas: [0, 0.25, 0.5, 0.75, 1],
        heldOut: [0.6, 0.61, 0.62, 0.66, 0.7],
        validation: [0.6, 0.61, 0.62, 0.66, 0.7],
      },
    ],
  );
});

test("greedy tells which members it took, and a member that failed is told and left out of all counts", async () => {
  const plan = planned();
  const correct = {
    "0/2/recycled/1/validation": 60,
    "0/2/recycled/2/validation": 70,
    "0/2/recycled/greedy/1/validation": 71,
    "0/2/recycled/2/held-out": 55,
  };
  const [cell] = await collectStudy(plan.cells, outcomesOf(plan, correct, ["0/2/recycled/0"]), noCurve);
  assert.deepEqual(
    cell!.greedy.find(({ set }) => set === "recycled"),
    { set: "recycled", selected: [2, 1] },
  );
  assert.deepEqual(cell!.failed, [{ set: "recycled", index: 0, error: "the loss is not a number" }]);
  assert.equal(cell!.members.find(({ set, index }) => set === "recycled" && index === 2)?.accuracy, 0.55);
  assert.equal(cell!.averages.find(({ method }) => method === "recycling")?.members, 2);
});
