import { closeSync, fstatSync, mkdirSync, openSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NATS_VERSION, natsServerProgram } from "#libs/programs";
import { connect, type RpcChannel } from "#libs/rpc";
import { defaultAddresses, type RuntimeName, readTail, type Supervised, saysReady, supervise, UsageError } from "#libs/service";
import { Health, HealthCheckResponse_ServingStatus as Status } from "#proto/grpc/health/v1/health_pb.ts";
import { type Addresses, type Common, services, spawnNats, spawnService, spawnTrainer } from "./programs.ts";

/** How a local system is started. */
export type LocalSystemOptions = {
  /** Data of all programs, and their logs in `logs/`. */
  readonly directory: string;
  readonly trainers?: number;
  /** The ports that are the programs' defaults; free ones otherwise. */
  readonly fixedPorts?: boolean;
  /** Added to the environment of every program of ours. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The runtime of a program; that of this process by default. */
  readonly runtimeOf?: (program: string) => RuntimeName | undefined;
  /** Added to the environment of trainers. */
  readonly trainerEnv?: Readonly<Record<string, string | undefined>>;
  /** Hears what becomes of each program. */
  readonly onStatus?: (program: string, status: string) => void;
};

/** A whole system on this machine, each service a program of its own, kept running. Disposing of it stops everything. */
export type LocalSystem = AsyncDisposable & {
  /** Data of all programs. */
  readonly directory: string;
  /** The gateway: what clients are told. */
  readonly address: string;
  /** The same over HTTP, as `http://host:port`. */
  readonly webUrl: string;
  /** The OCI registry: `host:port`. */
  readonly registry: string;
  /** By name: nats-server, catalog, finetune, averaging, sessions, evaluation, recycling, oci, gateway, web, trainer-1, … */
  readonly programs: ReadonlyMap<string, Program>;
};

export type Program = {
  readonly name: string;
  readonly address?: string;
  readonly pid: number | undefined;
  readonly restarts: number;
  /** SIGKILL unless told otherwise. The supervisor starts it again. */
  kill(signal?: NodeJS.Signals): void;
  /** It stays down. */
  stop(): Promise<void>;
  /** Resolves when it is ready again. */
  start(): Promise<void>;
  /** Resolves when it is ready: takes calls, or work. Rejects with what is wrong when it is not in time. */
  ready(deadlineMs?: number): Promise<void>;
};

const READY_MS = 30_000;
const LOOK_MS = 20;
/** A program that ran so long and died is started again at once: whoever kills it again and again wants to see that it comes back. */
const WORKED_MS = 1_000;

/** Starts the system; resolves when everything is ready. What does not get ready is stopped, and said. */
export async function startLocalSystem(options: LocalSystemOptions): Promise<LocalSystem> {
  const { directory, trainers = 2, fixedPorts = false, env = {}, runtimeOf = () => undefined, trainerEnv = {}, onStatus } = options;
  await using opening = new AsyncDisposableStack();
  const addresses: Addresses = fixedPorts ? defaultAddresses : await freeAddresses();
  if (fixedPorts) await refuseTaken(addresses);
  const natsServer = await natsServerProgram(process.env, () =>
    onStatus?.("nats-server", `is not here yet; ${NATS_VERSION} is built with Go, once, which takes about a minute`),
  );
  const common: Common = { directory, addresses, env, runtimeOf };
  const logs = join(directory, "logs");
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const programs = new Map<string, Program>();

  const keep = (name: string, spawn: (output: number) => ReturnType<typeof spawnNats>, place: { address?: string; isReady: IsReady }) => {
    const logPath = join(logs, `${name}.log`);
    const output = openSync(logPath, "a", 0o600);
    opening.defer(() => closeSync(output));
    let size = 0;
    let started = false;
    const supervised = supervise({
      name,
      spawn() {
        ({ size } = fstatSync(output));
        onStatus?.(name, "starts");
        const child = spawn(output);
        // The first time somebody waits for it anyway.
        if (started) void one.ready().catch((error: Error) => supervised.pid === child.pid && onStatus?.(name, error.message));
        started = true;
        return child;
      },
      onEnd({ reason, livedMs }) {
        onStatus?.(name, `ended by itself (${reason}) and is started again; its log is ${logPath}`);
        return livedMs > WORKED_MS;
      },
    });
    const written = () => readTail(logPath, size);
    const one = program({ name, supervised, logPath, written, ...place, ...(onStatus ? { onStatus } : {}) });
    programs.set(name, one);
    return supervised;
  };

  // Stopped in the order of this stack: clients first, what they need last.
  opening.use(
    keep("nats-server", (output) => spawnNats(natsServer, common, output), { address: addresses.nats, isReady: accepts(addresses.nats) }),
  );
  const layers: (readonly (typeof services)[number][])[] = [
    ["catalog"],
    ["finetune", "averaging", "sessions", "evaluation", "oci"],
    ["recycling"],
    ["gateway"],
    ["web"],
  ];
  for (const layer of layers) {
    const kept = layer.map((name) => {
      const isReady = serves(() => connect(addresses[name], { token: env["RATATOUILLE_TOKEN"] }));
      return keep(name, (output) => spawnService(name, common, output), { address: addresses[name], isReady });
    });
    opening.defer(() => Promise.all(kept.map((one) => one.stop())).then(() => undefined));
  }
  const kept = Array.from({ length: trainers }, (_, i) => {
    const name = `trainer-${i + 1}`;
    return keep(name, (output) => spawnTrainer(name, common, trainerEnv, output), {
      isReady: async (written) => saysReady(await written(), name),
    });
  });
  opening.defer(() => Promise.all(kept.map((one) => one.stop())).then(() => undefined));

  await Promise.all([...programs.values()].map((one) => one.ready()));
  const open = opening.move();
  return {
    directory,
    address: addresses.gateway,
    webUrl: `http://${addresses.http}`,
    registry: addresses.registry,
    programs,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

type IsReady = (written: () => Promise<string>) => Promise<boolean>;

function program({
  supervised,
  isReady,
  written,
  logPath,
  onStatus,
  ...named
}: {
  readonly name: string;
  readonly address?: string;
  readonly supervised: Supervised;
  readonly isReady: IsReady;
  readonly written: () => Promise<string>;
  readonly logPath: string;
  readonly onStatus?: LocalSystemOptions["onStatus"];
}): Program {
  let told: number | undefined;
  const ready = async (deadlineMs = READY_MS) => {
    const giveUpAt = performance.now() + deadlineMs;
    while (supervised.pid === undefined || !(await isReady(written))) {
      if (performance.now() > giveUpAt) throw new Error(`${named.name} is not ready within ${deadlineMs} ms; its log is ${logPath}`);
      await sleep(LOOK_MS);
    }
    if (told === supervised.pid) return;
    told = supervised.pid;
    onStatus?.(named.name, `ready${named.address ? ` on ${named.address}` : ""}, process ${supervised.pid}`);
  };
  return {
    ...named,
    get pid() {
      return supervised.pid;
    },
    get restarts() {
      return supervised.restarts;
    },
    kill: supervised.kill,
    stop: supervised.stop,
    async start() {
      supervised.start();
      await ready();
    },
    ready,
  };
}

/** Something accepts connections there. */
function accepts(address: string): IsReady {
  const [host = "", port = ""] = address.split(/:(?=\d+$)/);
  return () =>
    new Promise((resolve) => {
      const socket = createConnection({ host, port: Number(port) });
      const end = (answer: boolean) => {
        socket.destroy();
        resolve(answer);
      };
      socket.once("connect", () => end(true)).once("error", () => end(false));
    });
}

/** It says that it is ready for calls. */
function serves(open: () => RpcChannel): IsReady {
  // One call without retries: who waits looks again soon. Nothing stays connected: Deno dies when a server says goodbye to a client that
  // lies idle (docs/runtimes.md).
  return async () => {
    using channel = open();
    try {
      await channel.ready(250);
      const { status } = await channel.client(Health).check({}, { timeoutMs: 1000 });
      return status === Status.SERVING;
    } catch {
      return false;
    }
  };
}

/** @throws UsageError naming every address that another program has */
async function refuseTaken(addresses: Addresses): Promise<void> {
  const taken: string[] = [];
  for (const [name, address] of Object.entries(addresses)) {
    const [host = "", port = ""] = address.split(/:(?=\d+$)/);
    const probe = createServer().listen(Number(port), host);
    const free = await new Promise<boolean>((resolve) => probe.once("listening", () => resolve(true)).once("error", () => resolve(false)));
    if (!free) taken.push(`${address} (${name})`);
    else await new Promise((resolve) => probe.close(resolve));
  }
  if (taken.length === 0) return;
  throw new UsageError(`another program listens on ${taken.join(", ")}; end it, or take free ports with --free-ports`);
}

async function freeAddresses(): Promise<Addresses> {
  const names = [...services, "nats", "registry", "http"] as const;
  // All at once, so that no port is given twice.
  const probes = names.map(() => createServer().listen(0, "127.0.0.1"));
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.once("listening", resolve))));
  const ports = probes.map((probe) => {
    const bound = probe.address();
    return typeof bound === "object" && bound !== null ? bound.port : 0;
  });
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  return Object.fromEntries(names.map((name, i) => [name, `127.0.0.1:${ports[i]}`])) as Addresses;
}
