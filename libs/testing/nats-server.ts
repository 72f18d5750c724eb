import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { natsServerProgram } from "#libs/programs";
import { type TestProcess, testProcess } from "./process.ts";
import { waitFor } from "./wait-for.ts";

/** A real nats-server with JetStream, for one test; killed when disposed. */
export type NatsServer = AsyncDisposable & {
  /** For example `127.0.0.1:43211`. It stays the same over a restart. */
  address: string;
  /** Kills the server (kill -9). */
  kill(): Promise<void>;
  /** Kills it if it runs and starts it on the same port, with its store or with an empty one. */
  restart(options?: { emptyStore?: boolean }): Promise<void>;
};

/** Starts a nats-server on a free port with a store of its own; `args` are added to its command line. The first call on a machine installs it with `go install`. */
export async function startNatsServer(args: readonly string[] = []): Promise<NatsServer> {
  const program = await natsServerProgram();
  const directory = await mkdtemp(join(tmpdir(), "ratatouille-nats-"));
  let port = -1;
  let server: TestProcess | undefined;
  const start = async () => {
    const ports = await mkdtemp(join(directory, "ports-"));
    const store = join(directory, "store");
    server = testProcess(program, ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", store, "--ports_file_dir", ports, ...args]);
    const url = await waitFor(() => readPorts(ports), { what: "the ports file of nats-server" });
    port = Number(new URL(url).port);
    await server.line("Server is ready");
  };
  await start();
  return {
    get address() {
      return `127.0.0.1:${port}`;
    },
    kill: async () => server?.kill(),
    async restart(options = {}) {
      await server?.kill();
      if (options.emptyStore) await rm(join(directory, "store"), { recursive: true, force: true });
      await start();
    },
    async [Symbol.asyncDispose]() {
      await server?.kill();
      await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}

async function readPorts(directory: string): Promise<string | undefined> {
  const [file] = (await readdir(directory)).filter((name) => name.endsWith(".ports"));
  if (file === undefined) return undefined;
  const ports = JSON.parse(await readFile(join(directory, file), "utf8")) as { nats: string[] };
  return ports.nats[0];
}
