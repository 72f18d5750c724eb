import { deviceOf } from "#libs/engines";
import type { Needs } from "#libs/topics";
import type { Present, PresentEngine, PresentTrainer } from "./presence.ts";

/** What a job asks of a trainer: its needs, and what its recipe says. */
export type Demand = { readonly needs: Needs; readonly kind: string; readonly arithmetic: string };

/** Why a trainer does not do: `has` of a trainer, and the rest of the sentence "no trainer …" where none has it. */
type Requirement = { readonly has: (trainer: PresentTrainer) => boolean; readonly lack: (of: readonly PresentTrainer[]) => string };

/**
 * What a trainer lacks for a job, as the end of the sentence "this trainer …"; undefined if it can run it.
 * @param isBuiltIn whether a network is one that this system knows
 */
export function lackOf(demand: Demand, trainer: PresentTrainer, isBuiltIn: (network: string) => boolean): string | undefined {
  return requirements(demand, isBuiltIn)
    .find(({ has }) => !has(trainer))
    ?.lack([trainer]);
}

/**
 * What a job waits for that no trainer has, for people; "" if one of them can run it. The first requirement is named that none of those
 * meets which meet the ones before it: kind, device, engine, arithmetic, network, memory, memory of the accelerator.
 * Who is parked does not count.
 */
export function waitingFor(demand: Demand, trainers: readonly Present[], isBuiltIn: (network: string) => boolean): string {
  if (trainers.length === 0) return "no trainer runs";
  let left: readonly PresentTrainer[] = trainers.filter(({ parked }) => parked === "");
  if (left.length === 0) return "no trainer runs that is not parked";
  for (const { has, lack } of requirements(demand, isBuiltIn)) {
    const next = left.filter(has);
    if (next.length === 0) return `no trainer ${lack(left)}`;
    left = next;
  }
  return "";
}

/** The first engine of a job that a trainer has with all that the job asks of an engine; undefined if it has none. */
export function engineFor(demand: Demand, trainer: PresentTrainer, isBuiltIn: (network: string) => boolean): string | undefined {
  return demand.needs.backends.find((backend) => {
    const needs = { ...demand.needs, backends: [backend] };
    return lackOf({ ...demand, needs }, trainer, isBuiltIn) === undefined;
  });
}

function requirements({ needs, kind, arithmetic }: Demand, isBuiltIn: (network: string) => boolean): Requirement[] {
  const { device, backends, network, memoryMib, acceleratorMemoryMib } = needs;
  const isOnIts = (engine: PresentEngine) => engine.device === deviceOf(engine.name, device);
  const enginesOf = ({ engines }: PresentTrainer) => engines.filter((engine) => backends.includes(engine.name) && isOnIts(engine));
  const wanted = [...new Set(backends.map((name) => deviceOf(name, device)))];
  const computes = ({ arithmetics }: PresentEngine) => arithmetic === "" || arithmetics.includes(arithmetic);
  const knows = ({ networks, builtInNetworks }: PresentEngine) =>
    network === "" || networks.includes(network) || (builtInNetworks && isBuiltIn(network));
  const gpu = acceleratorMemoryMib > 0 ? `with a GPU of ${size(acceleratorMemoryMib)}` : "with a GPU";
  const largest = (of: readonly PresentTrainer[], memory: (trainer: PresentTrainer) => number) =>
    `(the largest has ${size(Math.max(...of.map(memory)))})`;
  const acceleratorOf = ({ accelerator }: PresentTrainer) => accelerator?.memoryMib ?? 0;
  return [
    { has: ({ kinds }) => kinds.includes(kind), lack: () => `runs recipes of kind ${kind}` },
    {
      has: ({ engines }) => engines.some((engine) => wanted.includes(engine.device)),
      lack: () => (wanted.includes("cpu") ? "computes on a cpu" : gpu),
    },
    { has: (trainer) => enginesOf(trainer).length > 0, lack: () => `has the engine ${backends.join(" or ")}` },
    { has: (trainer) => enginesOf(trainer).some(computes), lack: () => `computes ${arithmetic}` },
    {
      has: (trainer) => enginesOf(trainer).some((engine) => computes(engine) && knows(engine)),
      lack: () => `has the network ${network}`,
    },
    {
      has: (trainer) => trainer.memoryMib >= memoryMib,
      lack: (of) => `has ${size(memoryMib)} of memory ${largest(of, (trainer) => trainer.memoryMib)}`,
    },
    {
      has: (trainer) => acceleratorOf(trainer) >= acceleratorMemoryMib || enginesOf(trainer).some((engine) => engine.device === "cpu"),
      lack: (of) => `${gpu} ${largest(of, acceleratorOf)}`,
    },
  ];
}

/** "600 MiB", "40 GiB", "1.5 GiB". */
function size(mib: number): string {
  return mib < 1024 ? `${mib} MiB` : `${Math.round((10 * mib) / 1024) / 10} GiB`;
}
