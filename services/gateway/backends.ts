import type { MessageInitShape } from "@bufbuild/protobuf";
import { isRpcError, type RpcChannel, unavailable } from "#libs/rpc";
import { Health, HealthCheckResponse_ServingStatus as Status } from "#proto/grpc/health/v1/health_pb.ts";
import { type ServiceProcessSchema, SystemService } from "#proto/ratatouille/v1/system_pb.ts";

/** A service and where it is. */
export type Backend = { readonly name: string; readonly channel: RpcChannel };

/** Whoever asks how the services are does not wait for one that hangs. */
const PATIENCE_MS = 900;

/** What a service says of itself, or why it says nothing. */
export async function describeBackend({ name, channel }: Backend): Promise<MessageInitShape<typeof ServiceProcessSchema>> {
  const { address } = channel;
  try {
    const { processes } = await channel.client(SystemService).getSystem({}, { timeoutMs: PATIENCE_MS });
    const found = processes.find(({ service }) => service === name);
    return found ?? { service: name, address, problem: `${address} does not serve ${name}` };
  } catch (error) {
    return { service: name, address, problem: reason(error) };
  }
}

/** Rejects with the reason while a service is not ready for calls. */
export async function checkReady({ name, channel }: Backend): Promise<void> {
  const { status } = await channel.client(Health).check({}, { timeoutMs: PATIENCE_MS });
  if (status !== Status.SERVING) throw unavailable(`${name} at ${channel.address} is not ready`);
}

function reason(error: unknown): string {
  if (isRpcError(error)) return error.message;
  throw error;
}
