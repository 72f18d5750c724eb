import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Artifacts, createArtifacts } from "#libs/artifacts";
import { buildImportedModel, type Digest, mediaTypes } from "#libs/recipes";
import { connect, type RpcChannel } from "#libs/rpc";
import { fileSource } from "#libs/tensors";
import { freePort, startProxy, waitFor } from "#libs/testing";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { Benchmark, BenchOptions } from "./benchmark.ts";
import { ROOT, startScript } from "./child.ts";
import type { Figure } from "./figures.ts";
import { withDirectory } from "./system.ts";
import { type BenchModel, newHead, newModel, writeModel } from "./wire/files.ts";
import type { ServerMemory } from "./wire/server-process.ts";

const run = promisify(execFile);
const CHUNK_BYTES = 1 << 20;
/** Half of a round trip of 10 ms. */
const DELAY_MS = 5;
const UPLOADS_AT_ONCE = 64;
const weights = { mediaType: mediaTypes.weights };

/** A server in a process of its own. */
type Server = Disposable & { readonly channel: RpcChannel; readonly artifacts: Artifacts; end(): Promise<ServerMemory> };

/** Weights on their way: into the store and out of it beside a server that looks at nothing, over a long way, by many, and what need not be sent. */
export const wire: Benchmark = {
  summary: "weights into the catalog and out of it beside a bare server, over a long way, by 64 at once; what is not sent",
  async run(options) {
    const rows: Row[] = [];
    for (let i = 1; i <= options.runs; i++) {
      options.say(`run ${i} of ${options.runs}: models of ${options.size} MB`);
      rows.push(await withDirectory((directory) => measure(directory, options)));
    }
    return figuresOf(rows);
  },
};

type Row = { readonly [name: string]: number };

async function startServer(kind: "store" | "checks" | "bare", directory: string): Promise<Server> {
  const address = `127.0.0.1:${await freePort()}`;
  const script = startScript<ServerMemory>("./wire/server-process.ts", [kind, address, directory]);
  const channel = connect(address);
  const ready = waitFor(
    async () => {
      await channel.client(CatalogService).getUpload({ digest: `sha256:${"0".repeat(64)}` }, { timeoutMs: 1000 });
      return true;
    },
    { what: `the ${kind} server` },
  );
  await Promise.race([ready, script.result]);
  return {
    channel,
    artifacts: createArtifacts(channel),
    end: () => script.end(),
    [Symbol.dispose]() {
      channel.close();
      script[Symbol.dispose]();
    },
  };
}

async function measure(directory: string, options: BenchOptions): Promise<Row> {
  const bytes = options.size * 1e6;
  const row: { [name: string]: number } = {};
  using bare = await startServer("bare", directory);
  using store = await startServer("store", directory);
  const path = (name: string) => join(directory, `${name}.safetensors`);
  const [plain, planned] = [await writeModel(path("a"), newModel(bytes)), await writeModel(path("b"), newModel(bytes))];
  const rate = async (size: number, work: () => Promise<unknown>) => {
    const begunMs = performance.now();
    await work();
    return size / 1000 / (performance.now() - begunMs);
  };

  // Code is compiled as it is used.
  await writeModel(path("warm"), newModel(16e6));
  for (const { artifacts } of [bare, store]) await artifacts.upload(piecesOf(path("warm")), weights);
  await uploadFile(bare.artifacts, path("warm"));

  row["dd"] = await rate(plain, () => run("dd", [`if=${path("a")}`, `of=${path("dd")}`, "bs=1M", "conv=fsync"]));
  row["bare upload"] = await rate(plain, () => bare.artifacts.upload(piecesOf(path("a")), weights));
  let digest: Digest | undefined;
  row["upload"] = await rate(plain, async () => {
    ({ digest } = await store.artifacts.upload(piecesOf(path("a")), weights));
  });
  row["file upload"] = await rate(planned, () => uploadFile(store.artifacts, path("b")));
  row["bare download"] = await rate(plain, () => downloaded(bare.channel, digest!, plain));
  row["download"] = await rate(plain, () => downloaded(store.channel, digest!, plain));
  Object.assign(row, await longWay(store, path, digest!, bytes));
  Object.assign(row, await savings(store, path, bytes));
  if (options.python !== undefined)
    Object.assign(row, await byPython(options.python, { directory, bare, store, path, bytes, digest: digest! }));
  row["memory"] = await manyAtOnce(directory, path);
  await bare.end();
  await store.end();
  return row;
}

/** One stream each way, 10 ms there and back. */
async function longWay(store: Server, path: (name: string) => string, digest: Digest, bytes: number): Promise<Row> {
  const port = await freePort();
  const target = store.channel.address.split(":")[1] ?? "";
  using relay = startScript("./wire/relay-process.ts", [String(port), target, String(DELAY_MS)]);
  using channel = connect(`127.0.0.1:${port}`);
  const artifacts = createArtifacts(channel);
  await waitFor(async () => channel.client(CatalogService).getUpload({ digest }, { timeoutMs: 1000 }), { what: "the relay" });
  const size = await writeModel(path("far"), newModel(bytes));
  const upMs = await timed(() => artifacts.upload(piecesOf(path("far")), weights));
  const downMs = await timed(() => downloaded(channel, digest, size));
  channel.close();
  await relay.end();
  return { "far upload": size / 1000 / upMs, "far download": size / 1000 / downMs };
}

/** Bytes on the wire of a fine-tuning of a stored model, over those that are new. */
async function savings(store: Server, path: (name: string) => string, bytes: number): Promise<Row> {
  const base = newModel(bytes);
  await publish(store.artifacts, path("base"), base);
  await writeModel(path("frozen"), { ...base, head: newHead(bytes) });
  // The catalog looks for chunks behind the publication.
  await waitFor(async () => (await missingChunks(store, base)) === 0, { what: "the chunks of the model", timeoutMs: 60_000 });
  const frozen = await sentBytes(store, path("frozen"));
  const size = await writeModel(path("changed"), newModel(bytes));
  return { frozen: frozen / base.head.length, changed: (await sentBytes(store, path("changed"))) / size };
}

async function missingChunks(store: Server, { layers }: BenchModel): Promise<number> {
  const sums = layers.map((layer) => createHash("sha256").update(layer.subarray(0, CHUNK_BYTES)).digest());
  return (await store.channel.client(CatalogService).findMissing({ chunks: sums })).chunks.length;
}

/** Uploads a file through a proxy, and counts what goes through. */
async function sentBytes(store: Server, path: string): Promise<number> {
  await using proxy = await startProxy(store.channel.address);
  using channel = connect(proxy.address);
  await uploadFile(createArtifacts(channel), path);
  return proxy.bytes;
}

async function publish(artifacts: Artifacts, path: string, model: BenchModel): Promise<void> {
  const size = await writeModel(path, model);
  const { digest } = await uploadFile(artifacts, path);
  const built = buildImportedModel({
    weights: { digest, size },
    licences: ["CC0-1.0"],
    source: "bench",
    base: undefined,
    architecture: "unknown",
    parameterCount: size / 4,
    dtype: "F32",
  });
  await artifacts.publish(built);
}

/** The most memory that a store has had while so many files came at once, in megabytes. */
async function manyAtOnce(directory: string, path: (name: string) => string): Promise<number> {
  using store = await startServer("store", join(directory, "many"));
  const size = 16e6;
  const names = Array.from({ length: UPLOADS_AT_ONCE }, (_, i) => `many-${i}`);
  for (const name of names) await writeModel(path(name), newModel(size));
  // A connection for each, as from as many machines.
  await Promise.all(
    names.map(async (name) => {
      using channel = connect(store.channel.address);
      await createArtifacts(channel).upload(piecesOf(path(name)), weights);
    }),
  );
  return (await store.end()).peakMb;
}

async function byPython(
  python: string,
  {
    directory,
    bare,
    store,
    path,
    bytes,
    digest,
  }: { directory: string; bare: Server; store: Server; path: (name: string) => string; bytes: number; digest: Digest },
): Promise<Row> {
  const size = await writeModel(path("python"), newModel(bytes));
  const go = async (server: Server, what: string) => {
    const env = { ...process.env, PYTHONPATH: join(ROOT, "clients/python/src") };
    const args = [join(ROOT, "test/bench/wire/python.py"), server.channel.address, what, path("python"), digest];
    return size / 1e6 / Number((await run(python, args, { env })).stdout);
  };
  using checks = await startServer("checks", directory);
  const row = {
    "python bare upload": await go(bare, "upload"),
    "python checked upload": await go(checks, "upload"),
    "python upload": await go(store, "upload"),
    "python download": await go(store, "download"),
  };
  await checks.end();
  return row;
}

async function uploadFile(artifacts: Artifacts, path: string) {
  await using source = await fileSource(path);
  return await artifacts.uploadFile(source, weights);
}

async function* piecesOf(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  await using source = await fileSource(path);
  for (let at = 0; at < source.size; at += CHUNK_BYTES) yield source.read(at, Math.min(CHUNK_BYTES, source.size - at));
}

/** As the bare server gives no bytes that have a digest, none is looked at. */
async function downloaded(channel: RpcChannel, digest: Digest, size: number): Promise<void> {
  let left = size;
  const chunks = channel.client(CatalogService).downloadBlob({ digest, length: BigInt(size) }, { timeoutMs: 0 });
  for await (const { chunk } of chunks) left -= chunk.length;
  if (left !== 0) throw new Error(`${left} of ${size} bytes did not come`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begunMs = performance.now();
  await work();
  return performance.now() - begunMs;
}

function figuresOf(rows: readonly Row[]): Figure[] {
  const of = (value: (row: Row) => number | undefined): number[] => rows.map(value).filter((x) => x !== undefined);
  const rate = (name: string, key: string, bound = {}): Figure => ({ name, unit: "MB/s", runs: of((row) => row[key]), ...bound });
  // Half of the bare server's, or 0.8 of the disk's where that is less.
  const wanted = (row: Row, key: string) => Math.min(0.5 * row[key]!, 0.8 * row["dd"]!);
  const python = rows.some((row) => row["python upload"] !== undefined);
  return [
    rate("dd conv=fsync", "dd"),
    rate("upload to a bare server", "bare upload"),
    rate("upload into the store", "upload"),
    {
      name: "  over the lesser of 0.5 × bare and 0.8 × dd",
      unit: "",
      runs: rows.map((row) => row["upload"]! / wanted(row, "bare upload")),
      atLeast: 1,
    },
    rate("  of a file, with its chunks looked for", "file upload"),
    rate("download from a bare server", "bare download"),
    rate("download from the store", "download"),
    { name: "  over bare", unit: "", runs: rows.map((row) => row["download"]! / row["bare download"]!), atLeast: 0.8 },
    rate("upload over a way of 10 ms there and back", "far upload", { atLeast: 100 }),
    rate("download over it", "far download", { atLeast: 100 }),
    { name: "fine-tuning with frozen layers: sent, over what is new", unit: "", runs: of((row) => row["frozen"]), atMost: 1.02 },
    { name: "fine-tuning of everything: sent, over its bytes", unit: "", runs: of((row) => row["changed"]), atMost: 1.02 },
    { name: `memory with ${UPLOADS_AT_ONCE} uploads at once, at most`, unit: "MB", runs: of((row) => row["memory"]), atMost: 512 },
    ...(python
      ? [
          rate("Python: upload to a bare server", "python bare upload"),
          rate("Python: upload to a server that checks and keeps nothing", "python checked upload"),
          {
            name: "  over bare",
            unit: "",
            runs: rows.map((row) => row["python checked upload"]! / row["python bare upload"]!),
            atLeast: 0.85,
          },
          rate("Python: upload into the store", "python upload"),
          {
            name: "  over the lesser of 0.5 × bare and 0.8 × dd",
            unit: "",
            runs: rows.map((row) => row["python upload"]! / wanted(row, "python bare upload")),
            atLeast: 1,
          },
          rate("Python: download from the store", "python download"),
        ]
      : []),
  ];
}
