/** A program for tests: publishes five messages to a local bus, handles the first, holds the second until it is killed. */
import { writeSync } from "node:fs";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import { event, openLocalBus, topic } from "../../index.ts";

const say = (line: string) => void writeSync(1, `${line}\n`);
const work = topic("ratatouille.v1.work.test", JobOfferedSchema);
const bus = await openLocalBus({ path: process.argv[2] ?? ":memory:" });
for (let index = 0; index < 5; index++) await bus.publish(event(work, `m${index}`, { jobId: `m${index}` }));
say("published 5");
const forever = new AbortController();
await bus.consume(work, { durable: "worker", concurrency: 1, signal: forever.signal }, async ({ jobId }) => {
  if (jobId === "m0") return say(`handled ${jobId}`);
  say(`holding ${jobId}`);
  await new Promise((resolve) => setTimeout(resolve, 60_000));
});
