/**
 * Serves a catalog, or one that looks at nothing and keeps nothing, until its stdin ends; then prints what memory it has had.
 * One in between looks at all that comes, and keeps nothing. Arguments: "store", "checks" or "bare", address, directory.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { crc32 } from "node:zlib";
import { openLocalBus } from "#libs/bus";
import { type Implementation, implement, serve } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { createCatalog } from "../../../services/catalog/index.ts";

/** What it prints. */
export type ServerMemory = { readonly peakMb: number };

const CHUNK = new Uint8Array(1 << 20).fill(7);

/** Takes and gives bytes as fast as this runtime's gRPC can. */
const bare: Partial<Implementation<typeof CatalogService>> = {
  async uploadBlob(requests) {
    let size = 0;
    for await (const { part } of requests) {
      if (part.case === "chunk") size += part.value.length;
      if (part.case === "checked") size += part.value.data.length;
    }
    return { digest: `sha256:${"0".repeat(64)}`, sizeBytes: BigInt(size) };
  },
  async *downloadBlob({ length }) {
    for (let left = Number(length); left > 0; left -= CHUNK.length) yield { chunk: CHUNK.subarray(0, left) };
  },
  findMissing: ({ blobs, chunks }) => ({ blobs, chunks: chunks.map((_, i) => i) }),
  getUpload: () => ({ receivedBytes: 0n }),
};

/** Takes bytes as the store does, with the checksum of each chunk and the digest of all; keeps nothing. */
const checks: typeof bare = {
  ...bare,
  async uploadBlob(requests) {
    const whole = createHash("sha256");
    let size = 0;
    for await (const { part } of requests) {
      if (part.case !== "checked") continue;
      if (crc32(part.value.data) !== part.value.crc32) throw new Error("a chunk is damaged");
      whole.update(part.value.data);
      size += part.value.data.length;
    }
    return { digest: `sha256:${whole.digest("hex")}`, sizeBytes: BigInt(size) };
  },
};

const [kind = "store", address = "127.0.0.1:0", directory = "."] = process.argv.slice(2);
await using stack = new AsyncDisposableStack();
const log = createLogger({ service: "catalog", destination: `${directory}/${kind}.log` });
if (kind !== "store") stack.use(await serve({ address, services: [implement(CatalogService, kind === "bare" ? bare : checks)], log }));
else {
  const bus = stack.use(await openLocalBus({ path: ":memory:" }));
  const catalog = stack.use(await createCatalog({ directory, bus, log }));
  const stop = new AbortController();
  const running = catalog.run(stop.signal);
  stack.defer(async () => {
    stop.abort();
    await running;
  });
  stack.use(await serve({ address, services: [...catalog.registrations], log }));
}
process.stdin.resume();
await once(process.stdin, "end");
process.stdout.write(JSON.stringify({ peakMb: process.resourceUsage().maxRSS / 1000 } satisfies ServerMemory));
