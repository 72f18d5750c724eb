import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { availableParallelism, freemem, totalmem } from "node:os";
import { dirname, resolve } from "node:path";
import { backends } from "#libs/recipes";
import { connect } from "#libs/rpc";
import { runtimeName, runtimeVersion, VERSION } from "#libs/service";
import { DirectoryLockedError, lockDirectory } from "#libs/storage";
import { type ServiceProcess, SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { explain } from "../../explain.ts";
import { bytes } from "../../format.ts";
import { DEFAULT_LISTEN, portState } from "../../system/port.ts";

/** One finding. `advice` says what to do where something is not right. */
type Finding = { readonly topic: string; readonly right: boolean; readonly fact: string; readonly advice?: string };

/** What a run of digits-full.yaml leaves on the disk, with room to spare. */
const NEEDED_BYTES = 2e9;

/** `ratatouille doctor`: what is right, what is not, what to do; 1 if something is not right. */
export async function doctor(options: GlobalOptions, { stdout }: CommandContext): Promise<number> {
  const findings = [
    { topic: "ratatouille", right: true, fact: VERSION },
    checkRuntime(),
    ...(await checkBackends()),
    { topic: "devices", right: true, fact: `cpu: ${availableParallelism()} cores, one trainer for each by default` },
    { topic: "memory", right: true, fact: `${bytes(freemem())} free of ${bytes(totalmem())}` },
    ...(await checkData(options.data)),
    ...(options.server ? await checkServer(options.server, options.token) : await checkPort(options.token)),
  ];
  const right = findings.every((finding) => finding.right);
  if (options.json) stdout.write(`${JSON.stringify({ right, findings })}\n`);
  else stdout.write(findings.map(line).join(""));
  return right ? 0 : 1;
}

function line({ topic, right, fact, advice }: Finding): string {
  return `${right ? "ok " : "NO "} ${topic.padEnd(14)}${fact}\n${advice ? `${" ".repeat(18)}${advice}\n` : ""}`;
}

function checkRuntime(): Finding {
  const name = runtimeName();
  const major = Number(runtimeVersion().split(".")[0]);
  const right = name !== "node" || major >= 24;
  return {
    topic: "runtime",
    right,
    fact: `${name} ${runtimeVersion()}`,
    ...(right ? {} : { advice: "use Node 24 or newer, or the launcher ./ratatouille" }),
  };
}

async function checkBackends(): Promise<Finding[]> {
  // Loaded here: a service that this command line runs must not carry it.
  const { openBackend } = await import("#libs/learning");
  const findings: Finding[] = [];
  for (const name of backends) {
    try {
      const { arithmetic } = await openBackend(name);
      findings.push({ topic: `backend ${name}`, right: true, fact: arithmetic });
    } catch (error) {
      findings.push({ topic: `backend ${name}`, right: false, fact: explain(error), advice: "run npm ci in the folder of ratatouille" });
    }
  }
  return findings;
}

async function checkData(directory: string): Promise<Finding[]> {
  // To look is not to create.
  const place = nearestExisting(directory);
  if (place !== resolve(directory)) {
    return [{ topic: "data", right: true, fact: `${directory} does not exist yet; the first run makes it` }, await checkDisk(place)];
  }
  try {
    await using _lock = await lockDirectory(directory, { version: VERSION, command: "ratatouille doctor" });
    return [{ topic: "data", right: true, fact: directory }, await checkDisk(directory)];
  } catch (error) {
    const running = error instanceof DirectoryLockedError;
    return [
      { topic: "data", right: running, fact: explain(error), ...(running ? {} : { advice: "name a directory of your own with --data" }) },
    ];
  }
}

function nearestExisting(directory: string): string {
  let place = resolve(directory);
  while (!existsSync(place) && place !== dirname(place)) place = dirname(place);
  return place;
}

async function checkDisk(directory: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  const enough = free >= NEEDED_BYTES;
  return {
    topic: "disk",
    right: enough,
    fact: `${bytes(free)} free`,
    ...(enough ? {} : { advice: `a large run needs ${bytes(NEEDED_BYTES)}: free some, or name another place with --data` }),
  };
}

async function checkPort(token: string | undefined): Promise<Finding[]> {
  if ((await portState(DEFAULT_LISTEN)) === "free")
    return [{ topic: "port", right: true, fact: `${DEFAULT_LISTEN} is free for ratatouille up` }];
  const [server, ...processes] = await checkServer(DEFAULT_LISTEN, token);
  if (server?.right) return [server, ...processes];
  return [
    {
      topic: "port",
      right: false,
      fact: `${DEFAULT_LISTEN} is in use by another program`,
      advice: "give ratatouille up another port: ratatouille up --listen 127.0.0.1:PORT",
    },
  ];
}

async function checkServer(address: string, token: string | undefined): Promise<Finding[]> {
  using channel = connect(address, { token });
  try {
    await channel.ready(3_000);
    const { version, runtime, services, trainers, processes } = await channel.client(SystemService).getSystem({});
    const started = processes.length === 0 ? `, ${trainers.length} trainers` : "";
    const fact = `${address}: ${version} on ${runtime}, ${services.join(", ")}${started}`;
    return [{ topic: "server", right: true, fact }, ...processes.map(describeProcess)];
  } catch (error) {
    return [{ topic: "server", right: false, fact: explain(error), advice: "start one with: ratatouille up" }];
  }
}

/** One service of a system whose services are programs of their own. It is right when it takes calls and all that it needs is there. */
function describeProcess({ service, address, version, runtime, ready, checks, problem }: ServiceProcess): Finding {
  if (problem !== "") return { topic: service, right: false, fact: problem, advice: `look at the log of ratatouille serve ${service}` };
  const missing = checks.filter((check) => check.problem !== "").map((check) => `${check.name}: ${check.problem}`);
  const state = ready ? "ready" : "not ready";
  return {
    topic: service,
    right: ready && missing.length === 0,
    fact: [`${address}: ${version} on ${runtime}, ${state}`, ...missing].join("; "),
  };
}
