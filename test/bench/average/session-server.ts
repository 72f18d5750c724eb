/** A server of sessions with its catalog, and one that takes the same stream and does nothing. Prints their addresses; ends with its stdin. */
import { once } from "node:events";
import { implement, serve } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { startSessions } from "../../../services/sessions/testing/system.ts";

const WINDOW = 16 << 20;

await using sessions = await startSessions();
const log = createLogger({ service: "bare", destination: sessions.directory.join("bare-log") });
const bare = implement(AveragingService, {
  async *contribute(requests) {
    let taken = 0;
    yield { event: { case: "send", value: { offset: 0n, until: BigInt(WINDOW) } } };
    let told = WINDOW;
    for await (const { part } of requests) {
      if (part.case === "chunk") taken += part.value.data.length;
      if (told - taken > WINDOW / 2) continue;
      told = taken + WINDOW;
      yield { event: { case: "send", value: { offset: BigInt(taken), until: BigInt(told) } } };
    }
    yield { event: { case: "committed", value: { existed: false } } };
  },
});
await using server = await serve({ address: "127.0.0.1:0", services: [bare], log, drainMs: 0 });
process.stdout.write(`${JSON.stringify({ sessions: sessions.address, bare: server.address })}\n`);
process.stdin.resume();
await once(process.stdin, "end");
