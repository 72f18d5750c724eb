import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { JobSchema } from "#proto/ratatouille/v1/finetune_pb.ts";
import { countStages, type NodeState, remainingSeconds } from "./progress.ts";
import { createPulse } from "./pulse.ts";
import type { Node } from "./template.ts";

const node = (id: string, stage: Node["stage"], work: number): Node => ({
  id,
  stage,
  work,
  label: id,
  expendable: false,
  template: { kind: "dataset", inputs: {}, parameters: {} },
});
const nodes = [node("a", "data", 100), node("b", "fine-tuning", 100), node("c", "fine-tuning", 100), node("d", "fine-tuning", 200)];

test("stages count what was there before as done and as cached", () => {
  const states = new Map<string, NodeState>([
    ["a", "cached"],
    ["b", "done"],
    ["c", "running"],
  ]);
  assert.deepEqual(countStages(nodes, states), [
    { name: "data", total: 1, done: 1, running: 0, queued: 0, failed: 0, cached: 1 },
    { name: "fine-tuning", total: 3, done: 1, running: 1, queued: 0, failed: 0, cached: 0 },
  ]);
});

test("the rest is the work left at the rate of the work done", () => {
  const states = new Map<string, NodeState>([
    ["a", "cached"],
    ["b", "done"],
    ["c", "running"],
  ]);
  const jobs = new Map([["c", create(JobSchema, { progress: { step: 50, steps: 100 } })]]);
  // 150 units in 3 s; 250 are left: 50 of c and 200 of d.
  assert.equal(remainingSeconds(nodes, states, jobs, 3000), 5);
  assert.equal(remainingSeconds(nodes, new Map(), new Map(), 3000), undefined);
});

test("a pulse wakes every watcher once, and at once those that missed a beat", async () => {
  const pulse = createPulse();
  const { signal } = new AbortController();
  const woken = Promise.all([pulse.changed(0, signal), pulse.changed(0, signal)]);
  pulse.beat();
  await woken;
  await pulse.changed(0, signal);
  const stopper = new AbortController();
  const waiting = pulse.changed(pulse.version, stopper.signal);
  stopper.abort();
  await waiting;
});
