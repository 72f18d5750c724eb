import assert from "node:assert/strict";
import { test } from "node:test";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import { event, PoisonError, topic } from "./index.ts";
import { decode } from "./topic.ts";

const work = topic("ratatouille.v1.work.test", JobOfferedSchema);

for (const subject of ["", "a..b", "work.*", "work.>", "a b", ".a"]) {
  test(`topic() refuses the subject "${subject}"`, () => {
    assert.throws(() => topic(subject, JobOfferedSchema), SyntaxError);
  });
}

test("event() needs an id, says its type and round-trips", () => {
  assert.throws(() => event(work, "", {}), RangeError);
  const message = event(work, "job-1/offer/1", { jobId: "job-1" });
  assert.equal(message.headers["ratatouille-type"], "ratatouille.v1.JobOffered");
  assert.equal(decode(work, message).jobId, "job-1");
  assert.equal(decode(work, { ...message, payload: Buffer.from(message.payload) }).jobId, "job-1");
  assert.throws(() => decode(work, { ...message, payload: Uint8Array.of(255) }), PoisonError);
});
