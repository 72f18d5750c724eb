import { readFile } from "node:fs/promises";
import { Code, isRpcError, type RpcChannel } from "#libs/rpc";
import { excerpt, list, plural } from "#libs/text";
import { type GetSystemResponse, type ServiceProcess, SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import type { GlobalOptions } from "../../context.ts";
import { explain } from "../../explain.ts";
import { portState } from "../../system/port.ts";
import { CONNECT_MS, connectTo } from "../../system/target.ts";
import { certificateProblem, certificatesOf, greet, type Problem } from "./certificate.ts";
import type { Finding } from "./finding.ts";
import { checkWork } from "./work.ts";

type Access = Pick<GlobalOptions, "token" | "ca">;

/** What is at the port where `ratatouille up` would listen: nothing, a system, or another program. */
export async function checkPort(address: string, access: Access): Promise<Finding[]> {
  if ((await portState(address)) === "free") return [{ topic: "port", right: true, fact: `${address} is free for ratatouille up` }];
  const found = await askServer(address, access);
  if ("findings" in found) return found.findings;
  if (found.known) return [{ topic: "server", right: false, ...found.problem }];
  const advice = "give ratatouille up another port: ratatouille up --listen 127.0.0.1:PORT";
  return [{ topic: "port", right: false, fact: `${address} is in use by another program`, advice }];
}

/** A server, its processes, its trainers and its work; or why they cannot be seen. */
export async function checkServer(address: string, access: Access): Promise<Finding[]> {
  const found = await askServer(address, access);
  return "findings" in found ? found.findings : [{ topic: "server", right: false, ...found.problem }];
}

/** `known`: the server may well be one of ours, which lets nobody in who comes like this. */
type Answer = { readonly findings: Finding[] } | { readonly problem: Problem; readonly known: boolean };

async function askServer(address: string, access: Access): Promise<Answer> {
  let channel: RpcChannel | undefined;
  try {
    channel = await connectTo(address, { token: access.token, caPath: access.ca });
    await channel.ready(CONNECT_MS);
    const system = await channel.client(SystemService).getSystem({}, { timeoutMs: CONNECT_MS });
    return { findings: [...describeSystem(address, system), ...(await checkWork(channel, system))] };
  } catch (error) {
    return await explainFailure(error, address, access);
  } finally {
    channel?.close();
  }
}

async function explainFailure(error: unknown, address: string, { token, ca }: Access): Promise<Answer> {
  if (isRpcError(error, Code.UNAUTHENTICATED)) {
    const fact = `${address} is a ratatouille server that wants ${token === undefined ? "a token" : "another token"}`;
    return {
      problem: { fact, advice: "name its file with --token-file, or set RATATOUILLE_TOKEN" },
      known: error.domain === "ratatouille",
    };
  }
  if (isRpcError(error, Code.UNIMPLEMENTED)) {
    const advice = "name the address of a ratatouille server with --server";
    return { problem: { fact: `${address} answers, but it is not a ratatouille server`, advice }, known: false };
  }
  if (isRpcError(error, undefined, "NOT_CONNECTED")) {
    const problem = await tlsProblem(address, ca);
    if (problem) return { problem, known: true };
  }
  const said = explain(error);
  const advice = isRpcError(error, Code.UNAVAILABLE) ? "start one with: ratatouille up" : undefined;
  return { problem: { fact: said, advice: advice ?? "look at --server, --token and --ca" }, known: false };
}

async function tlsProblem(address: string, ca: string | undefined): Promise<Problem | undefined> {
  const greeting = await greet(address);
  if (greeting === undefined) return undefined;
  if (ca === undefined) {
    if (greeting === "plain") return undefined;
    return { fact: `${address} speaks TLS`, advice: "name the file of the authority that signed its certificate with --ca" };
  }
  if (greeting === "plain")
    return { fact: `${address} does not speak TLS`, advice: "leave out --ca, or start the server with --tls-cert and --tls-key" };
  const authorities = certificatesOf(await readFile(ca, "utf8"));
  return certificateProblem(greeting.certificate, { address, authorities, path: ca, now: Date.now() });
}

function describeSystem(address: string, { version, runtime, services, processes }: GetSystemResponse): Finding[] {
  const server = { topic: "server", right: true, fact: `${address}: ${version} on ${runtime}, ${services.join(", ")}` };
  return [server, ...processes.map(describeProcess), ...describeMissing(processes)];
}

/** One service of a system whose services are programs of their own. It is right when it takes calls and all that it needs is there. */
function describeProcess({ service, address, version, runtime, ready, checks, problem }: ServiceProcess): Finding {
  if (problem !== "") return { topic: service, right: false, fact: problem, advice: `look at the log of ratatouille serve ${service}` };
  const missing = checks.filter((check) => check.problem !== "").map(({ name }) => name);
  const state = ready ? "ready" : "not ready";
  return {
    topic: service,
    right: ready && missing.length === 0,
    fact: `${address}: ${version} on ${runtime}, ${state}${missing.length > 0 ? `, without ${list(missing)}` : ""}`,
  };
}

/** What services do not reach, each thing once with all who miss it. */
function describeMissing(processes: readonly ServiceProcess[]): Finding[] {
  const missed = new Map<string, { readonly problem: string; readonly by: string[] }>();
  for (const { service, checks } of processes)
    for (const { name, problem } of checks.filter((check) => check.problem !== "")) {
      const entry = missed.get(name) ?? { problem, by: [] };
      missed.set(name, { ...entry, by: [...entry.by, service] });
    }
  return [...missed].map(([topic, { problem, by }]) => ({
    topic,
    right: false,
    fact: `missing, ${plural(by.length, "says", "say")} ${list(by)}: ${excerpt(problem, 200)}`,
    advice: topic === "bus" ? adviceOnBus(problem) : `look at the log of ratatouille serve ${by[0]}`,
  }));
}

function adviceOnBus(problem: string): string {
  if (problem.includes("refuses this program"))
    return "tell the services who they are to it: --nats-creds, --nats-nkey, --nats-token, or --nats-user with --nats-password";
  return "start nats-server, or tell the services where it is: --nats HOST:PORT; what waits for it goes on by itself";
}
