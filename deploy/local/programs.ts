import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { endWithThisProcess, type RuntimeName, spawnScript } from "#libs/service";

/** The services, in the order in which they are shown. */
export const services = ["catalog", "finetune", "averaging", "sessions", "evaluation", "recycling", "oci", "gateway", "web"] as const;
export type ServiceName = (typeof services)[number];

/** Where each program listens; `registry` is HTTP of the service oci, `http` that of web. */
export type Addresses = { readonly [N in ServiceName | "nats" | "registry" | "http"]: string };

type Environment = Readonly<Record<string, string | undefined>>;

/** What all programs of a system have in common. */
export type Common = {
  readonly directory: string;
  readonly addresses: Addresses;
  /** Added to the environment of every program of ours. */
  readonly env: Environment;
  readonly runtimeOf: (program: string) => RuntimeName | undefined;
};

const command = fileURLToPath(new URL("../../services/cli/main.ts", import.meta.url));

/** Starts one service. `output` takes what it writes. */
export function spawnService(name: ServiceName, { directory, addresses, env, runtimeOf }: Common, output: number): ChildProcess {
  const own = {
    RATATOUILLE_LISTEN: addresses[name],
    RATATOUILLE_DATA: directory,
    RATATOUILLE_NATS: addresses.nats,
    RATATOUILLE_CATALOG: addresses.catalog,
    RATATOUILLE_FINETUNE: addresses.finetune,
    RATATOUILLE_AVERAGING: addresses.averaging,
    RATATOUILLE_SESSIONS: addresses.sessions,
    RATATOUILLE_EVALUATION: addresses.evaluation,
    RATATOUILLE_RECYCLING: addresses.recycling,
    RATATOUILLE_GATEWAY: addresses.gateway,
    RATATOUILLE_OCI_HTTP: addresses.registry,
    RATATOUILLE_OCI_BLOBS: join(directory, "catalog", "blobs", "sha256"),
    RATATOUILLE_STORE: join(directory, "catalog", "blobs"),
    RATATOUILLE_WEB_HTTP: addresses.http,
  };
  return spawnOurs(["serve", name], runtimeOf(name), { ...own, ...env }, output);
}

/** Starts a trainer. The gateway's address would be enough; on one machine nothing need pass through it. */
export function spawnTrainer(name: string, { addresses, env, runtimeOf }: Common, trainerEnv: Environment, output: number): ChildProcess {
  const own = {
    RATATOUILLE_SERVER: addresses.gateway,
    RATATOUILLE_CATALOG: addresses.catalog,
    RATATOUILLE_FINETUNE: addresses.finetune,
    RATATOUILLE_TRAINER_NAME: name,
  };
  return spawnOurs(["trainer"], runtimeOf(name), { ...own, ...env, ...trainerEnv }, output);
}

/** Starts NATS with its store below `directory`. */
export function spawnNats(program: string, { directory, addresses }: Common, output: number): ChildProcess {
  const [host = "", port = ""] = addresses.nats.split(/:(?=\d+$)/);
  const child = spawn(program, ["-a", host, "-p", port, "-js", "-sd", join(directory, "nats")], {
    stdio: ["ignore", output, output],
    detached: true,
  });
  endWithThisProcess(child);
  return child;
}

/** Detached: a Ctrl-C in the terminal is for who started the system, who stops the programs in good order. Their stdin ends with it in any case. */
function spawnOurs(args: readonly string[], runtime: RuntimeName | undefined, env: Environment, output: number): ChildProcess {
  return spawnScript(command, args, { runtime, env, stdio: ["pipe", output, output], detached: true });
}
