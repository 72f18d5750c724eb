import assert from "node:assert/strict";
import { glob } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { create, type DescMethod, type DescService, toBinary } from "@bufbuild/protobuf";
import type { GenFile } from "@bufbuild/protobuf/codegenv2";
import { digestOf } from "#libs/recipes";
import { Code, codeName, connect, isRpcError, type RpcChannel, type RpcError } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { temporaryDirectory } from "#libs/testing";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import { startEmbedded } from "../../services/cli/system/embedded.ts";
import { leadsToField } from "./field-paths.ts";
import { isHarmless, mayBlameOthers } from "./harmless.ts";
import { type Mutation, mutationsOf } from "./mutations.ts";
import { type RightRequests, rightRequests } from "./right-requests.ts";

const generated = resolve(import.meta.dirname, "../../proto/gen/ratatouille/v1");

/** Every service of the contracts. */
async function allServices(): Promise<DescService[]> {
  const services: DescService[] = [];
  for await (const name of glob("*_pb.ts", { cwd: generated })) {
    const exported: Record<string, unknown> = await import(join(generated, name));
    const file = Object.values(exported).find((value) => (value as GenFile | undefined)?.kind === "file") as GenFile | undefined;
    services.push(...(file?.services ?? []));
  }
  return services;
}

/** What a call came to; undefined: it was answered, or goes on, as a watch does. */
type Outcome = RpcError | undefined;
type Call = Mutation & { readonly rpc: string; readonly method: DescMethod; readonly outcome: Outcome };

/** Codes for what a caller got wrong. */
const EXPECTED: ReadonlySet<Code> = new Set([
  Code.INVALID_ARGUMENT,
  Code.NOT_FOUND,
  Code.ALREADY_EXISTS,
  Code.FAILED_PRECONDITION,
  Code.ABORTED,
  Code.UNAUTHENTICATED,
  Code.PERMISSION_DENIED,
]);
const AT_ONCE = 32;
/** What has not been answered by then hangs. */
const PATIENCE_MS = 15_000;

let system: Awaited<ReturnType<typeof startEmbedded>>;
const stack = new AsyncDisposableStack();
let channel: RpcChannel;
let right: RightRequests;
before(async () => {
  const directory = stack.use(await temporaryDirectory());
  system = stack.use(
    await startEmbedded({
      dataDirectory: directory.join("data"),
      address: "127.0.0.1:0",
      trainers: 0,
      shared: true,
      openLog: () => createLogger({ service: "test", destination: directory.join("log") }),
    }),
  );
  channel = stack.use(connect(system.address));
  right = await rightRequests(channel);
});
after(() => stack.disposeAsync());

/** One call; that it goes on, as watches do, is told by its first message. */
async function outcomeOf(method: DescMethod, requests: readonly Uint8Array[]): Promise<Outcome> {
  const stop = new AbortController();
  async function* sent() {
    for (const bytes of requests) yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  try {
    for await (const _ of channel.relay(method, sent(), { timeoutMs: PATIENCE_MS, signal: stop.signal })) break;
    return undefined;
  } catch (error) {
    if (isRpcError(error)) return error;
    throw error;
  } finally {
    stop.abort();
  }
}

/** All calls with one wrong field, and what came of each. */
async function* allCalls(): AsyncGenerator<Call> {
  for (const service of await allServices()) {
    for (const method of service.methods) {
      for (const rpc of formsOf(`${service.name}/${method.name}`)) yield* callsOf(rpc, method);
    }
  }
}

/** The names of right requests of an RPC, or its own. */
function formsOf(rpc: string): readonly string[] {
  const forms = Object.keys(right).filter((name) => name.split(" ")[0] === rpc);
  return forms.length === 0 ? [rpc] : forms;
}

async function* callsOf(rpc: string, method: DescMethod): AsyncGenerator<Call> {
  const [first = {}, ...rest] = right[rpc] ?? [];
  const tail = rest.map((message) => toBinary(method.input, create(method.input, message)));
  const mutations = [...mutationsOf(method.input, create(method.input, first))];
  for (let begin = 0; begin < mutations.length; begin += AT_ONCE) {
    yield* await Promise.all(
      mutations.slice(begin, begin + AT_ONCE).map(async (mutation) => {
        const outcome = await outcomeOf(method, [toBinary(method.input, mutation.request), ...tail]);
        return { ...mutation, rpc, method, outcome };
      }),
    );
  }
}

/** What is wrong with the answer to a wrong request; undefined if it is as it should be. */
function complaint({ rpc, path, kind, method, outcome }: Call): string | undefined {
  if (outcome === undefined) return isHarmless(rpc, path, kind) ? undefined : "is taken";
  const { code, reason, violations } = outcome;
  const said = `${codeName(code)} (${reason}): ${outcome.message.slice(0, 200)}`;
  if (!EXPECTED.has(code)) return said;
  if (reason === codeName(code)) return `has no reason: ${said}`;
  if (kind === "unknown digest" && code === Code.NOT_FOUND && !/^(ARTIFACT|BLOB)_NOT_FOUND$/.test(reason))
    return `does not say of what: ${said}`;
  if (code !== Code.INVALID_ARGUMENT || reason === "MALFORMED_REQUEST") return undefined;
  if (violations.length === 0) return `names no field: ${said}`;
  const stranger = violations.find(({ field }) => field !== "" && !leadsToField(method.input, field));
  if (stranger !== undefined) return `names ${stranger.field}, which is no field: ${said}`;
  const blamed = namesFor(method, path);
  return right[rpc] === undefined || violations.some(({ field }) => blamed.includes(topOf(field))) || mayBlameOthers(rpc, path)
    ? undefined
    : `blames another field, ${violations[0]!.field}: ${said}`;
}

const topOf = (path: string) => path.split(/[.[]/)[0]!;

/** What may be blamed for a field: itself, and of a oneof the others and the whole. */
function namesFor({ input }: DescMethod, path: string): readonly string[] {
  const field = input.fields.find(({ name }) => name === topOf(path));
  return field?.oneof === undefined ? [topOf(path)] : [field.oneof.name, ...field.oneof.fields.map(({ name }) => name)];
}

test("every field of every request, wrong in every way, is answered with what is wrong and where", async () => {
  // Others are served meanwhile, on a connection that stays.
  using other = connect(system.address);
  const watch = other.client(SystemService).watchEvents({}, { timeoutMs: 0 })[Symbol.asyncIterator]();
  await watch.next();
  const rest = (async () => {
    for (;;) if ((await watch.next()).done) return;
  })();
  let over = false;
  rest.then(
    () => {
      over = true;
    },
    () => {
      over = true;
    },
  );
  const complaints: string[] = [];
  let calls = 0;
  for await (const call of allCalls()) {
    calls += 1;
    const problem = complaint(call);
    if (problem !== undefined) complaints.push(`${call.rpc} ${call.path}, ${call.kind}: ${problem}`);
  }
  assert.deepEqual(complaints, []);
  assert.ok(calls > 1000, `only ${calls} calls`);
  await other.client(SystemService).getSystem({});
  assert.equal(over, false, "the connection of somebody else was ended");
});

test("what was moved meanwhile is told with where it is now, and another version with the one that would be right", async () => {
  const catalog = channel.client(CatalogService);
  const [model = ""] = (await catalog.listArtifacts({ kind: ArtifactKind.MODEL })).artifacts.map(({ digest }) => digest);
  await catalog.moveRef({ name: "owls/champion", to: model });
  const moved = await catalog.moveRef({ name: "owls/champion", from: digestOf("elsewhere"), to: model }).catch((error) => error);
  assert.ok(isRpcError(moved, Code.ABORTED, "REF_MOVED"), String(moved));
  assert.equal(moved.metadata["current"], model);
  const [announced] = right["FinetuneService/AnnounceTrainer"]!;
  const other = await channel
    .client(FinetuneService)
    .announceTrainer({ ...announced, contract: 99 })
    .catch((error) => error);
  assert.ok(isRpcError(other, Code.FAILED_PRECONDITION, "CONTRACT_UNKNOWN"), String(other));
  assert.match(other.message, /speaks version 99, and this service version 1/);
});
