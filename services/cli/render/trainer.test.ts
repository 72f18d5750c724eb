import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { TrainerSchema } from "#proto/ratatouille/v1/finetune_pb.ts";
import { describeTrainer, whatItRuns } from "./trainer.ts";

const stream = { write: () => true, columns: 200 };
const remy = create(TrainerSchema, { id: "1", name: "remy", device: "cpu", memoryMib: 1024, jobs: [{ id: "job-1", label: "seed 3" }] });

test("of a trainer that is parked the list says so, and its page says why", () => {
  assert.equal(whatItRuns(remy), "seed 3");
  assert.doesNotMatch(describeTrainer(remy, stream), /parked/);
  const parked = create(TrainerSchema, { ...remy, parked: "3 of its results were refused; the last: outputs: tensor fc.bias is missing" });
  assert.equal(whatItRuns(parked), "parked, seed 3");
  assert.match(
    describeTrainer(parked, stream),
    /parked +it gets no work: 3 of its results were refused; the last: outputs: tensor fc\.bias/,
  );
});
