// A program for crash.test.ts: the service of sessions in a process of its own, whose catalog is elsewhere. It prints "ready" when it listens.
import { connect, serve } from "#libs/rpc";
import { exitWhenParentIsGone } from "#libs/service";
import { createLogger } from "#libs/telemetry";
import { createSessions } from "../../services/sessions/index.ts";

const [directory = "", address = "", catalog = ""] = process.argv.slice(2);
exitWhenParentIsGone();
const log = createLogger({ service: "sessions", destination: `${directory}.log` });
const limits = { checkedAtOnceBytes: 5000, foldAfter: 2, chunkBytes: { min: 1, max: 1 << 20 }, takeOverMs: 50 };
const sessions = await createSessions({ directory, clients: connect(catalog), log, limits });
await serve({ address, services: sessions.registrations, log });
process.stdout.write("ready\n");
await sessions.run(new AbortController().signal);
