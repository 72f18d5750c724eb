import { readFileSync } from "node:fs";
import { createArtifacts } from "#libs/artifacts";
import { connectJetStream, connectRemoteBus } from "#libs/bus";
import { openBackend } from "#libs/learning";
import { backends } from "#libs/recipes";
import { type ConnectOptions, connect, type RpcChannel } from "#libs/rpc";
import { readNatsAccess, UsageError } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import { consumers, streams } from "#libs/topics";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { createInputs } from "./inputs.ts";
import type { TrainerValues } from "./settings.ts";
import { takeWork } from "./take-work.ts";

/**
 * The life of a trainer: takes work until the signal aborts. Then a job under way ends with a checkpoint and is given back, all of it
 * within three seconds. Nothing has to be there when it starts: it waits for its services.
 * @throws UsageError for a certificate that cannot be read, RpcError (INSECURE_ADDRESS) for a token that would travel in the clear
 */
export async function runTrainer(values: TrainerValues, { signal, log }: { readonly signal: AbortSignal; readonly log: Logger }) {
  await using stack = new AsyncDisposableStack();
  const options: ConnectOptions = { token: values.token, ...(values.ca === undefined ? {} : { tls: { ca: readAuthority(values.ca) } }) };
  const channel = stack.use(connect(values.server, options));
  const at = (address: string | undefined): RpcChannel => (address === undefined ? channel : stack.use(connect(address, options)));
  const artifacts = createArtifacts(at(values.catalog));
  const finetune = at(values.finetune).client(FinetuneService);
  const heartbeat = stack.use(startHeartbeat({ address: values.finetune ?? values.server, options }, log));
  // Both take a while; do it before the first job needs them.
  await Promise.all([openBackend("wasm"), heartbeat.ready]);
  const bus = stack.use(
    values.nats === undefined
      ? connectRemoteBus(channel)
      : await connectJetStream({ servers: values.nats, ...readNatsAccess(values), streams, consumers, log }),
  );
  const { name, device, memoryMib, checkpointMs } = values;
  const inputs = createInputs(artifacts, values.cacheMib * 2 ** 20);
  log.info({ server: values.server, nats: values.nats, trainer: name, device, memoryMib }, "trainer ready");
  await takeWork({ finetune, bus, artifacts, inputs, heartbeat, log, name, device, backends, memoryMib, checkpointMs }, signal);
}

function readAuthority(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new UsageError(`cannot read the certificate ${path}: ${(cause as Error).message}`, { cause });
  }
}
