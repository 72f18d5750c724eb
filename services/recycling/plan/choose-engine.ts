import { autoTakes, engines } from "#libs/engines";
import { costOf, networkNames, networkOf } from "#libs/networks";
import { arithmetics } from "#libs/recipes";
import type { Engine, Trainer } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { RunSpec, Study } from "#proto/ratatouille/v1/recycling_pb.ts";
import { needsOf } from "./study/specification.ts";

/** What a run file says that leaves the choice of an engine to the system. */
export const AUTO = "auto";
/** An engine that every kind of run may name: to check a specification before one is chosen. */
export const ANY_ENGINE = "wasm";

/** Engines that are known, the faster first; any other comes after them. A GPU comes before all. */
const bySpeed: readonly string[] = engines.map(({ name }) => name);
/** The engine of the digits benchmark unless its run file names another one: its bytes are the same everywhere. */
const DIGITS_ENGINE = "wasm";

/**
 * The engine on which a run with `backend: auto` is to be computed: the fastest that one of the trainers has for its network; undefined
 * while none has. One that is for small networks is not taken for others. Digits need no trainer for the choice.
 * @param chosen the engine that the run began with: as long as a trainer has it, no other one is taken.
 */
export function chooseEngine(
  { study }: Pick<RunSpec, "study">,
  trainers: readonly Pick<Trainer, "engines">[],
  chosen?: string,
): string | undefined {
  if (!study) return DIGITS_ENGINE;
  const able = enginesFor(study, trainers);
  if (able.some(({ name }) => name === chosen)) return chosen;
  const cost = multiplyAddsOf(study);
  const fits = able.filter(({ name, networks }) => networks.includes(study.network?.name ?? "") || autoTakes(name, cost));
  const [best] = fits.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  return best?.name;
}

/** The engines of the trainers that can compute a study, however long it takes. */
export function enginesFor({ network }: Study, trainers: readonly Pick<Trainer, "engines">[]): Engine[] {
  return trainers.flatMap(({ engines }) => engines).filter((engine) => canTrain(engine, network?.name ?? ""));
}

function canTrain({ arithmetics: known, networks, builtInNetworks }: Engine, network: string): boolean {
  const builtIn = builtInNetworks && networkNames().includes(network);
  return known.includes(arithmetics.training) && (builtIn || networks.includes(network));
}

/** Of one image; undefined of a network that only its trainer knows. */
function multiplyAddsOf({ network, target }: Study): number | undefined {
  if (!network || !networkNames().includes(network.name)) return undefined;
  return costOf(networkOf(network.name, { classes: Math.max(1, target?.classes.length ?? 0), ...needsOf(network) })).multiplyAdds;
}

function rank({ device, name }: Engine): number {
  const place = bySpeed.indexOf(name);
  return (device === "gpu" ? 0 : bySpeed.length + 1) + (place < 0 ? bySpeed.length : place);
}
