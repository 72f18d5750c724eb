import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { JobSchema } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Node } from "../plan/template.ts";
import { createProgress, type NodeState } from "./progress.ts";

const node = (id: string, stage: Node["stage"], work: number): Node => ({
  id,
  stage,
  work,
  label: id,
  expendable: false,
  template: { kind: "dataset", inputs: {}, parameters: {} },
});
const nodes = [node("a", "data", 100), node("b", "fine-tuning", 100), node("c", "fine-tuning", 100), node("d", "fine-tuning", 200)];

const [a, b, c, d] = nodes as [Node, Node, Node, Node];

/** a was there before, b is done, c runs, d waits. */
function halfway() {
  const progress = createProgress(nodes);
  progress.move(a, "cached");
  for (const state of ["queued", "running", "done"] as const) progress.move(b, state);
  progress.move(c, "running");
  progress.report(c, create(JobSchema, { id: "job-c", progress: { step: 50, steps: 100 } }));
  return progress;
}

test("stages count what was there before as done and as cached", () => {
  assert.deepEqual(halfway().stages(), [
    { name: "data", total: 1, done: 1, running: 0, queued: 0, failed: 0, cached: 1 },
    { name: "fine-tuning", total: 3, done: 1, running: 1, queued: 0, failed: 0, cached: 0 },
  ]);
});

test("the rest is the work left at the rate of the work done since the data were there", () => {
  const progress = createProgress(nodes);
  progress.move(a, "running");
  assert.equal(progress.remainingSeconds(60_000), undefined);
  progress.move(a, "done");
  assert.equal(progress.remainingSeconds(70_000), undefined);
  progress.move(b, "done");
  progress.move(c, "running");
  progress.report(c, create(JobSchema, { id: "job-c", progress: { step: 50, steps: 100 } }));
  // 150 units in 3 s; 250 are left: 50 of c and 200 of d.
  assert.equal(progress.remainingSeconds(73_000), 5);
  progress.move(c, "done");
  progress.move(d, "failed");
  assert.equal(progress.remainingSeconds(74_000), 0);
});

test("only jobs that run are shown", () => {
  const progress = halfway();
  assert.deepEqual(
    progress.running().map(({ id }) => id),
    ["job-c"],
  );
  progress.move(c, "queued");
  assert.deepEqual(progress.running(), []);
});

test("a job that several nodes share is shown once", () => {
  const progress = halfway();
  progress.move(d, "running");
  progress.report(d, create(JobSchema, { id: "job-c" }));
  assert.equal(progress.running().length, 1);
});

test("whatever moves, every node is counted once", () => {
  const states = fc.constantFrom<NodeState>("queued", "running", "done", "cached", "failed");
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), states)), (moves) => {
      const progress = createProgress(nodes);
      for (const [i, state] of moves) progress.move(nodes[i] as Node, state);
      const newest = new Map(moves.map(([i, state]) => [(nodes[i] as Node).id, state]));
      for (const { id } of nodes) assert.equal(progress.stateOf(id), newest.get(id) ?? "waiting");
      const counted = progress.stages();
      assert.equal(
        counted.reduce((sum, { total }) => sum + total, 0),
        nodes.length,
      );
      const failed = [...newest.values()].filter((state) => state === "failed").length;
      assert.equal(
        counted.reduce((sum, stage) => sum + stage.failed, 0),
        failed,
      );
    }),
  );
});

test("what no trainer has is told with how many jobs wait for it, until they run", () => {
  const progress = createProgress(nodes);
  const wait = (of: Node, id: string, waitingFor: string) => {
    progress.move(of, "queued");
    progress.report(of, create(JobSchema, { id, waitingFor }));
  };
  const gpu = "no trainer with a GPU of 40 GiB";
  wait(a, "job-a", "no trainer runs");
  wait(b, "job-b", gpu);
  // Nodes of one recipe share a job.
  wait(c, "job-b", gpu);
  wait(d, "job-d", gpu);
  assert.deepEqual(progress.missing(), [
    { what: gpu, jobs: 2 },
    { what: "no trainer runs", jobs: 1 },
  ]);
  wait(a, "job-a", "");
  progress.move(d, "running");
  assert.deepEqual(progress.missing(), [{ what: gpu, jobs: 1 }]);
});
