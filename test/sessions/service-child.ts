// A program for tests: the service of sessions in a process of its own, whose catalog is elsewhere. It prints "ready" and its address when it
// listens. With "wait" it says "loaded" first, and touches nothing before it is told to go on by a line of its standard input.
import { once } from "node:events";
import { connect, serve } from "#libs/rpc";
import { exitWhenParentIsGone } from "#libs/service";
import { createLogger } from "#libs/telemetry";
import { createSessions } from "../../services/sessions/index.ts";

const [directory = "", catalog = "", wait] = process.argv.slice(2);
if (wait === "wait") {
  const told = once(process.stdin, "data");
  process.stdin.once("end", () => process.exit(1));
  process.stdout.write("loaded\n");
  await told;
}
exitWhenParentIsGone();
const log = createLogger({ service: "sessions", destination: `${directory}.log` });
const limits = { checkedAtOnceBytes: 5000, foldAfter: 2, chunkBytes: { min: 1, max: 1 << 20 }, takeOverMs: 50 };
const sessions = await createSessions({ directory, clients: connect(catalog), log, limits });
const server = await serve({ address: "127.0.0.1:0", services: sessions.registrations, log });
process.stdout.write(`ready ${server.address}\n`);
await sessions.run(new AbortController().signal);
