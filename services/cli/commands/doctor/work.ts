import { allPages, Code, isRpcError, type RpcChannel, type ServiceClient } from "#libs/rpc";
import { counted, list, plural } from "#libs/text";
import { FinetuneService, type Job, JobState, type Trainer } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { GetSystemResponse } from "#proto/ratatouille/v1/system_pb.ts";
import { explain } from "../../explain.ts";
import type { Finding } from "./finding.ts";

const PATIENCE_MS = 3_000;

/** The trainers of a system, its own and those of others, and what there is to do. A server without fine-tuning has neither. */
export async function checkWork(channel: RpcChannel, { trainers: own }: GetSystemResponse): Promise<Finding[]> {
  try {
    const finetune = channel.client(FinetuneService);
    return describeWork(own, await trainersOf(finetune), await jobsOf(finetune), channel.address);
  } catch (error) {
    if (isRpcError(error, Code.UNIMPLEMENTED)) return [];
    if (isRpcError(error))
      return [{ topic: "jobs", right: false, fact: explain(error), advice: "look at the log of ratatouille serve finetune" }];
    throw error;
  }
}

type Finetune = ServiceClient<typeof FinetuneService>;

async function trainersOf(finetune: Finetune): Promise<Trainer[]> {
  const list = (pageToken: string) => finetune.listTrainers({ pageSize: 500, pageToken }, { timeoutMs: PATIENCE_MS });
  return (await Array.fromAsync(allPages(list))).flatMap(({ trainers }) => trainers);
}

async function jobsOf(finetune: Finetune): Promise<Job[]> {
  const filter = { states: [JobState.RUNNING, JobState.QUEUED], pageSize: 500 };
  const list = (pageToken: string) => finetune.listJobs({ ...filter, pageToken }, { timeoutMs: PATIENCE_MS });
  return (await Array.fromAsync(allPages(list))).flatMap(({ jobs }) => jobs);
}

/** Trainers of the server that have just been started are known to it before they have announced themselves. */
function describeWork(own: GetSystemResponse["trainers"], present: readonly Trainer[], jobs: readonly Job[], address: string): Finding[] {
  const running = jobs.filter(({ state }) => state === JobState.RUNNING).length;
  const waiting = jobs.length - running;
  const others = present.filter(({ name }) => !own.some((trainer) => trainer.name === name));
  const known = [
    ...(own.length > 0 ? [`${own.length} of the server: ${list(own.map(describeOwn))}`] : []),
    ...(others.length > 0 ? [`${others.length} of others: ${list(others.map(describeOther))}`] : []),
  ];
  const missing = new Map<string, number>();
  for (const { waitingFor } of jobs) if (waitingFor !== "") missing.set(waitingFor, (missing.get(waitingFor) ?? 0) + 1);
  const idle = waiting > 0 && known.length === 0;
  const join = `start one with: ratatouille trainer --server ${address}`;
  return [
    { topic: "trainers", right: !idle, fact: known.join("; ") || "none", ...(idle ? { advice: join } : {}) },
    { topic: "jobs", right: true, fact: `${counted(running, "job")} running, ${waiting} waiting` },
    ...[...missing].map(([what, count]) => ({
      topic: "jobs",
      right: false,
      fact: `${counted(count, "job")} ${plural(count, "waits", "wait")}: ${what}`,
      advice: join.replace("one", "one that can run them"),
    })),
  ];
}

function describeOwn({ name, restarts }: GetSystemResponse["trainers"][number]): string {
  return restarts === 0 ? name : `${name} (started again ${counted(restarts, "time")})`;
}

function describeOther({ name, accelerator }: Trainer): string {
  return accelerator ? `${name} (${accelerator.model})` : name;
}
