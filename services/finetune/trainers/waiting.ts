import type { JobRecord } from "../job.ts";
import { type Demand, engineFor, lackOf, waitingFor } from "./fit.ts";
import type { Presence } from "./presence.ts";

/** What queued jobs wait for that no trainer has. */
export type Waiting = {
  /** Takes the newest state of a job. */
  observe(job: JobRecord): void;
  /** What a job waits for, for people; "" if a trainer can run it, and for the first seconds. */
  of(job: JobRecord): string;
  /** What a trainer lacks for a job, or undefined; also for a trainer that is not known. */
  lackOf(job: JobRecord, trainerId: string): string | undefined;
  /** The first of some trainers that lacks nothing for a job; undefined if each lacks something. */
  firstFor(job: JobRecord, trainerIds: readonly string[]): string | undefined;
  /** Whether a job waits that a trainer, which is known, can run. */
  fits(jobId: string, trainerId: string): boolean;
  /** Whether a job is queued that a trainer can run. */
  hasFor(trainerId: string): boolean;
  /** The engine on which a trainer is to compute a job; undefined for a trainer that is not known, and where it has none for it. */
  engineFor(job: JobRecord, trainerId: string): string | undefined;
  /**
   * Takes note that a trainer has found that it cannot run a job, though what it says of itself looks so: others go first from now on.
   * @returns whether one is there; undefined where that trainer is not known.
   */
  cannot(job: JobRecord, trainerId: string): boolean | undefined;
  /** Looks again at what is there: after a change of the trainers, and now and then, since what is missing for a moment is not said. */
  review(): void;
};

/** Jobs that need the same. */
type Group = {
  readonly demand: Demand;
  readonly ids: Set<string>;
  seen: number;
  missing: string;
  missingSince: number;
  said: string;
};

/**
 * No jobs yet.
 * @param options.graceMs what is missing for no longer is not said: trainers start, and start again
 * @param options.onChange jobs of which something else is said now
 */
export function createWaiting({
  presence,
  isBuiltIn,
  graceMs,
  onChange,
  now = () => performance.now(),
}: {
  readonly presence: Pick<Presence, "get" | "list" | "version">;
  readonly isBuiltIn: (network: string) => boolean;
  readonly graceMs: number;
  readonly onChange: (ids: Iterable<string>) => void;
  readonly now?: () => number;
}): Waiting {
  const groups = new Map<string, Group>();
  const groupOf = new Map<string, Group>();
  /** By job, the trainers that have tried it and cannot run it. In memory, as they are. */
  const unable = new Map<string, Set<string>>();

  const isThereForIt = (job: JobRecord): boolean =>
    presence
      .list()
      .some(
        ({ parked, ...trainer }) =>
          parked === "" && !unable.get(job.id)?.has(trainer.id) && lackOf(demandOf(job), trainer, isBuiltIn) === undefined,
      );

  const forget = (id: string) => {
    const group = groupOf.get(id);
    if (!group) return;
    groupOf.delete(id);
    group.ids.delete(id);
    if (group.ids.size === 0) groups.delete(keyOf(group.demand));
  };

  const look = (group: Group) => {
    if (group.seen !== presence.version) {
      group.seen = presence.version;
      const before = group.missing;
      group.missing = waitingFor(group.demand, presence.list(), isBuiltIn);
      if (before === "") group.missingSince = now();
    }
    const said = group.missing !== "" && now() - group.missingSince >= graceMs ? group.missing : "";
    if (said !== group.said) {
      group.said = said;
      onChange(group.ids);
    }
  };

  const lackIn = (job: JobRecord, demand: Demand, trainerId: string): string | undefined => {
    const trainer = presence.get(trainerId);
    const lack = trainer && lackOf(demand, trainer, isBuiltIn);
    // Where no other one is left it may try again, and then the job fails.
    if (lack === undefined && unable.get(job.id)?.has(trainerId) && isThereForIt(job)) return "can run it: it has tried";
    return lack;
  };

  return {
    observe(job) {
      if (job.state !== "queued" && job.state !== "running") unable.delete(job.id);
      if (job.state !== "queued") return forget(job.id);
      const demand = demandOf(job);
      const key = keyOf(demand);
      const known = groupOf.get(job.id);
      if (known && keyOf(known.demand) === key) return;
      forget(job.id);
      const group = groups.get(key) ?? { demand, ids: new Set(), seen: -1, missing: "", missingSince: 0, said: "" };
      groups.set(key, group);
      groupOf.set(job.id, group);
      group.ids.add(job.id);
      if (group.seen < 0) look(group);
    },
    of: (job) => (job.state === "queued" ? (groupOf.get(job.id)?.said ?? "") : ""),
    lackOf: (job, trainerId) => lackIn(job, demandOf(job), trainerId),
    firstFor(job, trainerIds) {
      const demand = demandOf(job);
      return trainerIds.find((id) => lackIn(job, demand, id) === undefined);
    },
    fits(jobId, trainerId) {
      const demand = groupOf.get(jobId)?.demand;
      const trainer = presence.get(trainerId);
      if (!demand || !trainer || unable.get(jobId)?.has(trainerId)) return false;
      return lackOf(demand, trainer, isBuiltIn) === undefined;
    },
    hasFor(trainerId) {
      const trainer = presence.get(trainerId);
      if (!trainer) return false;
      const isOpen = (id: string) => !unable.get(id)?.has(trainerId);
      return groups.values().some(({ demand, ids }) => lackOf(demand, trainer, isBuiltIn) === undefined && ids.values().some(isOpen));
    },
    engineFor(job, trainerId) {
      const trainer = presence.get(trainerId);
      return trainer && engineFor(demandOf(job), trainer, isBuiltIn);
    },
    cannot(job, trainerId) {
      if (!presence.get(trainerId)) return undefined;
      unable.set(job.id, (unable.get(job.id) ?? new Set()).add(trainerId));
      return isThereForIt(job);
    },
    review() {
      for (const group of groups.values()) look(group);
    },
  };
}

function demandOf({ needs, recipe }: JobRecord): Demand {
  const { kind, arithmetic = "" } = JSON.parse(recipe) as { readonly kind: string; readonly arithmetic?: string };
  return { needs, kind, arithmetic };
}

function keyOf({ needs, kind, arithmetic }: Demand): string {
  const { device, backends, network, memoryMib, acceleratorMemoryMib } = needs;
  return JSON.stringify([device, backends, network, memoryMib, acceleratorMemoryMib, kind, arithmetic]);
}
