// A program for crash.test.ts: the averaging service in a process of its own, whose catalog is elsewhere. It prints "ready" when it listens.
import { connect, implement, serve } from "#libs/rpc";
import { exitWhenParentIsGone } from "#libs/service";
import { createLogger } from "#libs/telemetry";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { openSessions } from "../../../services/averaging/sessions/index.ts";

const [directory = "", address = "", catalog = ""] = process.argv.slice(2);
exitWhenParentIsGone();
const log = createLogger({ service: "averaging", destination: `${directory}.log` });
const limits = { hashedAtOnceBytes: 5000, foldAfter: 2, chunkBytes: { min: 1, max: 1 << 20 }, takeOverMs: 50 };
const sessions = await openSessions({ directory, clients: connect(catalog), log, limits });
await serve({ address, services: [implement(AveragingService, { ...sessions.methods })], log });
process.stdout.write("ready\n");
await sessions.run(new AbortController().signal);
