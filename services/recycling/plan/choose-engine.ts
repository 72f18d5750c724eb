import { autoTakes, engineNamed, engines } from "#libs/engines";
import { costOf, networkNames, networkOf } from "#libs/networks";
import { arithmetics } from "#libs/recipes";
import { didYouMean, list } from "#libs/text";
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

type Trainers = readonly Pick<Trainer, "engines">[];

/** On which engines a run is computed, on which device, and in which arithmetic; or why none can be chosen. */
export type Choice =
  | { readonly state: "chosen"; readonly backend: string; readonly device: string; readonly arithmetic: string }
  /** Trainers that come may have it. */
  | { readonly state: "lacking"; readonly lack: string }
  /** Only the run file can say it. */
  | { readonly state: "ambiguous"; readonly why: string };

/** The engines that a specification names; undefined where any may be taken. */
export function enginesNamed({ backend, backends }: Pick<RunSpec, "backend" | "backends">): readonly string[] | undefined {
  if (backend === AUTO) return undefined;
  return backends.length > 0 ? backends : [backend];
}

/** Whether only trainers can say how a run is computed: its network or one of its engines is none of this system. */
export function isForeign({ study, ...spec }: Pick<RunSpec, "study" | "backend" | "backends">): boolean {
  if (!study) return false;
  const stranger = enginesNamed(spec)?.find((name) => engineNamed(name) === undefined);
  return stranger !== undefined || !networkNames().includes(study.network?.name ?? "");
}

/**
 * How a run is to be computed by the trainers that are there. With `backend: auto` the engine is the fastest that one of them has for its
 * network; one that is for small networks is not taken for others. The arithmetic is that of the run file; else, of images, the usual one where
 * one has it, or the only one that those have that know the network. Digits need no trainer.
 * @param begun what the run began with: as long as a trainer has its engine and its arithmetic, no others are taken.
 */
export function chooseEngine(
  spec: Pick<RunSpec, "study" | "backend" | "backends">,
  trainers: Trainers,
  begun?: Pick<RunSpec, "backend" | "study">,
): Choice {
  const { study } = spec;
  if (!study) return { state: "chosen", backend: DIGITS_ENGINE, device: "", arithmetic: "" };
  const named = enginesNamed(spec);
  const stranger = named?.find(
    (name) => !engineNamed(name) && !trainers.some((trainer) => trainer.engines.some((one) => one.name === name)),
  );
  if (stranger !== undefined) return { state: "lacking", lack: lackOfEngine(stranger, trainers) };
  const able = enginesFor(study, trainers).filter(({ name }) => named?.includes(name) ?? true);
  const usual = study.target?.generator === "records/1" ? undefined : arithmetics.training;
  // Of a network that everybody knows another arithmetic is taken only where somebody asks for it, or for an engine that has no other.
  const wanted = study.arithmetic || (isForeign(spec) || named ? "" : usual);
  const found = [...new Set(able.flatMap((engine) => engine.arithmetics))].filter((one) => !wanted || one === wanted);
  const arithmetic = [begun?.study?.arithmetic, usual].find((one) => one !== undefined && found.includes(one)) ?? found[0];
  if (arithmetic === undefined) return { state: "lacking", lack: lackOfNetwork(spec, trainers, able) };
  if (found.length > 1 && arithmetic === found[0] && arithmetic !== usual && arithmetic !== begun?.study?.arithmetic)
    return {
      state: "ambiguous",
      why: `the trainers that have the network ${study.network?.name} compute it in ${list(found.toSorted())}: name one of them as arithmetic in the run file`,
    };
  const computing = able.filter((engine) => engine.arithmetics.includes(arithmetic));
  if (named) return { state: "chosen", backend: named[0]!, device: deviceOfOthers(trainers, computing), arithmetic };
  const cost = multiplyAddsOf(study);
  const fits = computing.filter(({ name, networks }) => networks.includes(study.network?.name ?? "") || autoTakes(name, cost));
  const [best] = fits.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  const backend = computing.some(({ name }) => name === begun?.backend) ? begun?.backend : best?.name;
  if (backend === undefined) return { state: "lacking", lack: lackOfSpeed(study, computing[0]!) };
  const own = computing.filter(({ name }) => name === backend);
  return { state: "chosen", backend, device: deviceOfOthers(trainers, own), arithmetic };
}

/** The engines of the trainers that know the network of a study, however long it takes. */
function enginesFor({ network }: Pick<Study, "network">, trainers: Trainers): Engine[] {
  const name = network?.name ?? "";
  const isBuiltIn = networkNames().includes(name);
  return trainers.flatMap((trainer) =>
    trainer.engines.filter(({ networks, builtInNetworks }) => networks.includes(name) || (builtInNetworks && isBuiltIn)),
  );
}

/**
 * The device of the engines whose names do not say it; "" where there are none. A processor where each trainer that has one of them has one on
 * it: then all of them may work.
 */
function deviceOfOthers(trainers: Trainers, able: readonly Engine[]): string {
  const others = able.filter(({ name }) => engineNamed(name) === undefined);
  const those = trainers.map((trainer) => trainer.engines.filter((engine) => others.includes(engine))).filter(({ length }) => length > 0);
  if (those.length === 0) return "";
  return those.every((own) => own.some(({ device }) => device === "cpu")) ? "cpu" : "gpu";
}

function lackOfEngine(name: string, trainers: Trainers): string {
  const others = trainers.flatMap((trainer) => trainer.engines.map((engine) => engine.name));
  const known = [...new Set([...bySpeed, ...others])];
  return `no engine of ratatouille is called ${name}, and no trainer that is there has one: ${didYouMean(name, known, `those that are known are ${list(known)}`)}`;
}

/** Why none of the trainers has the network, in one of the arithmetics and engines that may be taken. */
function lackOfNetwork(spec: Pick<RunSpec, "study" | "backend" | "backends">, trainers: Trainers, able: readonly Engine[]): string {
  const { arithmetic = "", network } = spec.study ?? {};
  const name = network?.name ?? "";
  const help = "ratatouille trainers list says who is there, ratatouille doctor which engines";
  if (trainers.length === 0) return `no trainer is there; ${help}`;
  if (able.length > 0) {
    const others = [...new Set(able.flatMap((engine) => engine.arithmetics))];
    return arithmetic === ""
      ? `no trainer has an engine for the network ${name}; ${help}`
      : `no trainer that has the network ${name} computes ${arithmetic}: ${didYouMean(arithmetic, others, `they compute ${list(others)}`)}`;
  }
  const names = enginesNamed(spec);
  const elsewhere = spec.study ? enginesFor(spec.study, trainers) : [];
  if (names && elsewhere.length > 0)
    return `no trainer has the network ${name} on ${list(names, "or")}: it is there on ${list([...new Set(elsewhere.map((engine) => engine.name))])}`;
  if (networkNames().includes(name)) return `no trainer has an engine for the network ${name}; ${help}`;
  const known = [...new Set(trainers.flatMap((trainer) => trainer.engines.flatMap((engine) => engine.networks)))];
  const hint =
    known.length === 0
      ? `none that is there has networks of its own, which ratatouille-trainer is told by --network`
      : didYouMean(name, known, `those that are there have ${list(known)}`);
  return `no trainer has the network ${name}: ${hint}; ${help}`;
}

function lackOfSpeed({ network }: Study, { name }: Engine): string {
  return `no trainer has an engine that is fast enough for the network ${network?.name}; ratatouille setup tensorflow installs one where a trainer runs, and backend: ${name} does without it`;
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
