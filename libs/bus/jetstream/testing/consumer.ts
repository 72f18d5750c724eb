/** A program for tests: takes one message from a NATS server and holds it, saying that it works, until it is killed. */
import { writeSync } from "node:fs";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import { connectJetStream, topic } from "../../index.ts";
import { contractStreams } from "../../testing/streams.ts";

const [servers = "", ackWaitMs = "1000"] = process.argv.slice(2);
const bus = await connectJetStream({ servers, streams: contractStreams });
const forever = new AbortController();
await bus.consume(
  topic("ratatouille.v1.work.test", JobOfferedSchema),
  { durable: "worker", concurrency: 1, ackWaitMs: Number(ackWaitMs), signal: forever.signal },
  async ({ jobId }, { delivery }) => {
    writeSync(1, `holding ${jobId} ${delivery}\n`);
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  },
);
