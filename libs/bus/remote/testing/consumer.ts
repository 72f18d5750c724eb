/** A program for tests: takes one message from a served bus and holds it until it is killed. */
import { writeSync } from "node:fs";
import { connect } from "#libs/rpc";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import { connectRemoteBus, topic } from "../../index.ts";

const bus = connectRemoteBus(connect(process.argv[2] ?? ""));
const forever = new AbortController();
await bus.consume(
  topic("ratatouille.v1.work.test", JobOfferedSchema),
  { durable: "worker", concurrency: 1, ackWaitMs: 60_000, signal: forever.signal },
  async ({ jobId }, { delivery }) => {
    writeSync(1, `holding ${jobId} ${delivery}\n`);
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  },
);
