/**
 * A catalog on the files of a directory, or, without one, a bare echo: answers GetArtifact with one message that never changes. Prints the
 * address as a line of JSON when it can be called, and ends with its stdin.
 */
import { openLocalBus } from "#libs/bus";
import { implement, serve } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { createCatalog } from "../../../services/catalog/index.ts";

const [directory, reply] = process.argv.slice(2);
const stop = new AbortController();
process.stdin.on("close", () => stop.abort()).resume();
await using stack = new AsyncDisposableStack();
const log = createLogger({ service: "catalog", destination: "/dev/null" });
const registrations = [];
if (directory !== undefined && reply === undefined) {
  const bus = stack.use(await openLocalBus({ path: ":memory:" }));
  const catalog = stack.use(await createCatalog({ directory, bus, log }));
  registrations.push(...catalog.registrations);
} else {
  const manifest = new Uint8Array(Number(reply));
  registrations.push(implement(CatalogService, { getArtifact: async () => ({ artifact: { manifest } }) } as never));
}
const server = stack.use(await serve({ address: "127.0.0.1:0", services: registrations, log }));
process.stdout.write(`${JSON.stringify({ address: server.address })}\n`);
await new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
