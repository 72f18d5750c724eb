import assert from "node:assert/strict";
import { test } from "node:test";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import { BusRefusedError, event, PoisonError, topic } from "./index.ts";
import { decode } from "./topic.ts";

const work = topic("ratatouille.v1.work.test", JobOfferedSchema);

for (const subject of ["", "a..b", "work.*", "work.>", "a b", ".a", "a".repeat(161)]) {
  test(`topic() refuses the subject "${subject}"`, () => {
    assert.throws(() => topic(subject, JobOfferedSchema), SyntaxError);
  });
}

test("event() refuses what no bus takes, and what it takes every bus takes", () => {
  const long = (bytes: number) => ({ jobId: "j".repeat(bytes) });
  assert.throws(() => event(work, "a", long(1_000_000)), BusRefusedError);
  assert.throws(() => event(work, "a", long(1_000_000)), /has 10000\d\d bytes with its headers; at most 1000000 are possible/);
  assert.equal(event(work, "a", long(999_000)).payload.length, 999_004);
  for (const id of ["", "a\nb", "a\0", "\ud83d", "i".repeat(513)]) assert.throws(() => event(work, id, {}), BusRefusedError);
});

test("event() needs an id, says its type and round-trips", () => {
  assert.throws(() => event(work, "", {}), RangeError);
  const message = event(work, "job-1/offer/1", { jobId: "job-1" });
  assert.equal(message.headers["ratatouille-type"], "ratatouille.v1.JobOffered");
  assert.equal(decode(work, message).jobId, "job-1");
  assert.equal(decode(work, { ...message, payload: Buffer.from(message.payload) }).jobId, "job-1");
  assert.throws(() => decode(work, { ...message, payload: Uint8Array.of(255) }), PoisonError);
});
