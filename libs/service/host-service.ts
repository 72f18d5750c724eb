import { readFile } from "node:fs/promises";
import { implement, type ServerTls, type ServiceRegistration, serve } from "#libs/rpc";
import type { Logger } from "#libs/telemetry";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import { ConfigError } from "./config.ts";
import { watchHealth } from "./health-watch.ts";
import { runtimeName, runtimeVersion } from "./runtime.ts";
import type { Service } from "./service.ts";
import type { CommonValues } from "./service-settings.ts";
import { usageHere } from "./usage.ts";
import { VERSION } from "./version.ts";

/** Long calls, watches above all, are not waited for: those who made them make them again. */
const DRAIN_MS = 1000;

/**
 * Serves one service in a process of its own until the signal aborts: its gRPC services, SystemService with what it says of itself, and
 * health. Rejects when the service breaks or cannot listen.
 */
export async function hostService(
  service: Service,
  { values, log, signal }: { readonly values: CommonValues; readonly log: Logger; readonly signal: AbortSignal },
): Promise<void> {
  const { listen, token, insecure } = values;
  const runtime = `${runtimeName()} ${runtimeVersion()}`;
  const system = implement(SystemService, {
    getSystem: () => ({
      version: VERSION,
      services: [service.name],
      runtime,
      usage: usageHere(),
      processes: [
        {
          service: service.name,
          address: server.address,
          version: VERSION,
          runtime,
          ready: health.ready(),
          checks: health.results().map(({ name, problem = "" }) => ({ name, problem })),
        },
      ],
    }),
  });
  const own = service.registrations.some((registration) => registration.service.typeName === SystemService.typeName);
  const services: readonly ServiceRegistration[] = own ? service.registrations : [system, ...service.registrations];
  const tls = await readTls(values);
  await using server = await serve({ address: listen, services, token, tls, insecure, log, drainMs: DRAIN_MS, ready: false });
  const health = watchHealth(
    service.checks,
    services.map(({ service: { typeName } }) => typeName),
    server.setHealth,
    (check, problem) =>
      problem === undefined ? log.info({ check }, "it is there again") : log.warn({ check, problem }, "something is missing"),
  );
  log.info({ address: server.address, version: VERSION, runtime }, `${service.name} listens`);
  const stopper = new AbortController();
  const stop = () => stopper.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    await Promise.all([service.run(stopper.signal), health.run(stopper.signal)]);
  } finally {
    stop();
    signal.removeEventListener("abort", stop);
  }
}

/**
 * Certificate and key of a program's listeners, where they are set.
 * @throws ConfigError if only one of the two is set, or a file cannot be read
 */
export async function readTls({ tlsCert, tlsKey }: Pick<CommonValues, "tlsCert" | "tlsKey">): Promise<ServerTls | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) throw new ConfigError(["--tls-cert and --tls-key need each other"]);
  return { certificate: await readPem(tlsCert), key: await readPem(tlsKey) };
}

function readPem(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: Error) => {
    throw new ConfigError([`cannot read ${path}: ${error.message}`]);
  });
}
