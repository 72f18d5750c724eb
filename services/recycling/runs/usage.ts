import type { ProcessUsage } from "#libs/reporting";
import type { Clients } from "#libs/rpc";
import { type UsageHere, usageHere } from "#libs/service";
import type { Job } from "#proto/ratatouille/v1/finetune_pb.ts";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import type { Usage } from "#proto/ratatouille/v1/usage_pb.ts";

/** Who asks how much the services used does not wait for long: a run goes without. */
const PATIENCE_MS = 1000;

/** The processes of the services, by what people call them. */
export type Processes = {
  /** That of this service. */
  readonly own: string;
  /** Those that others have for themselves. */
  readonly others: Readonly<Record<string, Clients>>;
};

/** What the trainers have used that completed these jobs, each trainer once for each job, by name. */
export function trainersUsage(jobs: readonly Job[]): ProcessUsage[] {
  const usages = jobs.flatMap(({ trainer, usage }) => (usage ? [processUsage(trainer, usage)] : []));
  return usages.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

function processUsage(name: string, usage: Usage | UsageHere): ProcessUsage {
  return {
    name,
    peakMemoryBytes: Number(usage.peakMemoryBytes),
    receivedBytes: Number(usage.receivedBytes),
    sentBytes: Number(usage.sentBytes),
    downloadedBytes: Number(usage.downloadedBytes),
    uploadedBytes: Number(usage.uploadedBytes),
  };
}

/** What the processes of the services have used since they started. Those that do not answer are left out. */
export async function servicesUsage({ own, others }: Processes): Promise<ProcessUsage[]> {
  const asked = Object.entries(others).map(async ([name, clients]) => {
    const system = clients.client(SystemService);
    const answer = await system.getSystem({}, { timeoutMs: PATIENCE_MS, untraced: true }).catch(() => undefined);
    return answer?.usage ? [processUsage(name, answer.usage)] : [];
  });
  return [processUsage(own, usageHere()), ...(await Promise.all(asked)).flat()];
}

/** What was used between two answers. A process that is not in the first, or has moved less by now, has started in between. */
export function usedBetween(before: readonly ProcessUsage[], after: readonly ProcessUsage[]): ProcessUsage[] {
  return after.map((now) => {
    const then = before.find(({ name }) => name === now.name);
    if (!then || then.receivedBytes > now.receivedBytes || then.sentBytes > now.sentBytes) return now;
    return {
      ...now,
      receivedBytes: now.receivedBytes - then.receivedBytes,
      sentBytes: now.sentBytes - then.sentBytes,
      downloadedBytes: now.downloadedBytes - then.downloadedBytes,
      uploadedBytes: now.uploadedBytes - then.uploadedBytes,
    };
  });
}
