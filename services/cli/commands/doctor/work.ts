import { allPages, Code, isRpcError, type RpcChannel } from "#libs/rpc";
import { counted, list } from "#libs/text";
import { FinetuneService, type Job, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { GetSystemResponse } from "#proto/ratatouille/v1/system_pb.ts";
import { explain } from "../../explain.ts";
import type { Finding } from "./finding.ts";

const PATIENCE_MS = 3_000;

/** The trainers of a system, its own and those of others that work, and what there is to do. A server without fine-tuning has neither. */
export async function checkWork(channel: RpcChannel, { trainers: own }: GetSystemResponse): Promise<Finding[]> {
  try {
    return describeWork(own, await jobsOf(channel), channel.address);
  } catch (error) {
    if (isRpcError(error, Code.UNIMPLEMENTED)) return [];
    if (isRpcError(error))
      return [{ topic: "jobs", right: false, fact: explain(error), advice: "look at the log of ratatouille serve finetune" }];
    throw error;
  }
}

async function jobsOf(channel: RpcChannel): Promise<Job[]> {
  const finetune = channel.client(FinetuneService);
  const filter = { states: [JobState.RUNNING, JobState.QUEUED], pageSize: 500 };
  const jobs: Job[] = [];
  for await (const page of allPages((pageToken) => finetune.listJobs({ ...filter, pageToken }, { timeoutMs: PATIENCE_MS })))
    jobs.push(...page.jobs);
  return jobs;
}

/** Of trainers that others have started a server knows those that have a job: the others wait at the bus for offers, and tell nobody. */
function describeWork(own: GetSystemResponse["trainers"], jobs: readonly Job[], address: string): Finding[] {
  const running = jobs.filter(({ state }) => state === JobState.RUNNING);
  const waiting = jobs.length - running.length;
  const others = [...new Set(running.map(({ trainer }) => trainer))].filter((name) => !own.some((trainer) => trainer.name === name)).sort();
  const known = [
    ...(own.length > 0 ? [`${own.length} of the server: ${list(own.map(describeTrainer))}`] : []),
    ...(others.length > 0 ? [`${others.length} of others at work (idle ones are not known): ${list(others)}`] : []),
  ];
  const idle = waiting > 0 && known.length === 0;
  const trainers = {
    topic: "trainers",
    right: !idle,
    fact:
      known.join("; ") ||
      (idle
        ? "none of the server, and none of others is at work"
        : "none of the server; those of others are known here while they have a job, as idle ones only listen for offers"),
    ...(idle ? { advice: `start one with: ratatouille trainer --server ${address}` } : {}),
  };
  return [trainers, { topic: "jobs", right: true, fact: `${counted(running.length, "job")} running, ${waiting} waiting` }];
}

function describeTrainer({ name, restarts }: GetSystemResponse["trainers"][number]): string {
  return restarts === 0 ? name : `${name} (started again ${counted(restarts, "time")})`;
}
