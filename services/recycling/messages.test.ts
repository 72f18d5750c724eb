import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { type Job, JobSchema, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { WatchRunResponseSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import { inMessages } from "./messages.ts";

const ended = (count: number, error = "") =>
  Array.from(
    { length: count },
    (_, i): Job => create(JobSchema, { id: `job-${String(i).padStart(16, "0")}`, state: JobState.FAILED, error }),
  );

test("any number of ended jobs fits messages of a quarter of the limit, in order, each once", () => {
  for (const jobs of [ended(0), ended(1), ended(40_000), ended(5_000, "\u{1f955}".repeat(1000))]) {
    const parts = inMessages(jobs);
    assert.deepEqual(parts.flat(), jobs);
    for (const part of parts) {
      assert.ok(part.length > 0);
      assert.ok(toBinary(WatchRunResponseSchema, create(WatchRunResponseSchema, { ended: part })).length <= 1 << 20);
    }
  }
});
