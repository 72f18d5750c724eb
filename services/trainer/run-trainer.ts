import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createArtifacts } from "#libs/artifacts";
import { within } from "#libs/concurrency";
import { type ConnectOptions, connect, type RpcChannel } from "#libs/rpc";
import { UsageError, usageInTurns } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { enginesHere } from "./engines.ts";
import { environmentHere } from "./environment.ts";
import { type Announced, startHeartbeat } from "./heartbeat.ts";
import { kindsRun } from "./run-recipe.ts";
import type { TrainerValues } from "./settings.ts";
import { takeWork } from "./take-work.ts";
import { createUploads } from "./uploads.ts";
import { createWorkshop } from "./workshop.ts";

/** So long work waits for the service to hear of this trainer. */
const ANNOUNCE_MS = 1000;
/** So long the service may take to hear that it leaves; otherwise it is missed when its lease ends. */
const LEAVE_MS = 300;

/** Until when a trainer lives, and where it says what people have to know. */
type Life = { readonly signal: AbortSignal; readonly log: Logger };

/**
 * The life of a trainer: takes work until the signal aborts. Then a job under way ends with a checkpoint and is given back, all of it
 * within three seconds. Nothing has to be there when it starts: it waits for its services.
 * @throws UsageError for a certificate that cannot be read, or a device for which there is no engine, and a server that refuses it for good, RpcError (INSECURE_ADDRESS) for a token that would travel in the clear
 */
export async function runTrainer(values: TrainerValues, { signal, log }: Life) {
  await using stack = new AsyncDisposableStack();
  const options: ConnectOptions = { token: values.token, ...(values.ca === undefined ? {} : { tls: { ca: readAuthority(values.ca) } }) };
  const channel = stack.use(connect(values.server, options));
  const at = (address: string | undefined): RpcChannel => (address === undefined ? channel : stack.use(connect(address, options)));
  const artifacts = createArtifacts(at(values.catalog));
  const finetune = at(values.finetune).client(FinetuneService);
  const setup = (address: string | undefined) => ({ address: address ?? values.server, options });
  const heartbeat = stack.use(startHeartbeat(setup(values.finetune), log));
  const uploads = stack.use(createUploads(setup(values.catalog), artifacts));
  const trainer = await describeTrainer(values, { signal, log }).catch(unlessAborted(signal));
  if (!trainer) return;
  const { name, memoryMib, checkpointMs } = values;
  // Both take a while; do it before the first job needs them. Where nobody hears it, work waits too.
  await Promise.all([heartbeat.ready, within(ANNOUNCE_MS, heartbeat.announce(trainer))]);
  const { cacheMib, diskCacheMib, cacheDirectory, dataRoot } = values;
  const [cacheBytes, diskBytes] = [cacheMib * 2 ** 20, diskCacheMib * 2 ** 20];
  const workshop = stack.use(createWorkshop({ artifacts, cacheBytes, diskBytes, directory: cacheDirectory, dataRoot }));
  const { device, engines = [] } = trainer;
  log.info({ server: values.server, trainer: name, device, engines: engines.map((one) => one.name), memoryMib }, "trainer ready");
  const usage = usageInTurns();
  const life = AbortSignal.any([signal, heartbeat.refused]);
  await takeWork({ finetune, artifacts, workshop, uploads, heartbeat, log, usage, trainer, checkpointMs }, life);
  if (heartbeat.refused.aborted) throw heartbeat.refused.reason;
  await heartbeat[Symbol.asyncDispose]();
  await finetune.announceTrainer({ trainer, leaves: true }, { timeoutMs: LEAVE_MS, untraced: true }).catch(() => undefined);
}

/** Takes for nothing what an abort has ended; throws any other error. */
function unlessAborted(signal: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    if (!signal.aborted) throw error;
    return undefined;
  };
}

/** What this trainer says of itself. */
async function describeTrainer({ name, device, memoryMib }: TrainerValues, { signal, log }: Life): Promise<Announced> {
  const { engines, accelerator, tensorflow, lacks } = await enginesHere(device, signal);
  if (engines.length === 0) {
    const why = lacks ?? "ratatouille setup tensorflow-gpu installs one for NVIDIA's";
    throw new UsageError(`no engine here computes on a ${device}: ${why}; --device cpu does without`);
  }
  if (lacks !== undefined) log.warn({ engine: "tfjs-node-gpu", why: lacks }, "engine left out");
  return {
    id: randomUUID(),
    name,
    device: accelerator ? "gpu" : "cpu",
    ...(accelerator ? { accelerator: { model: accelerator.model, memoryMib: accelerator.memoryMib } } : {}),
    engines: engines.map((engine) => ({ ...engine, arithmetics: [...engine.arithmetics], networks: [] })),
    kinds: [...kindsRun],
    memoryMib,
    environment: {
      ...environmentHere(),
      ...(tensorflow === undefined ? {} : { tensorflow }),
      ...(accelerator ? { accelerator: accelerator.model, driver: accelerator.driver } : {}),
    },
  };
}

function readAuthority(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new UsageError(`cannot read the certificate ${path}: ${(cause as Error).message}`, { cause });
  }
}
