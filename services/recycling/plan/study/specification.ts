import { FIXED_PRESETS, PRESET_NAMES } from "#libs/images";
import { networkNames, networkOf } from "#libs/networks";
import { isDigest, isRunName, runNameRule } from "#libs/recipes";
import { methods as knownMethods } from "#libs/reporting";
import { didYouMean, excerpt, quote } from "#libs/text";
import {
  OnFailure,
  type RunSpec,
  type Study,
  type Study_Auxiliary,
  type Study_Network,
  type Study_Task,
  type Study_Training,
} from "#proto/ratatouille/v1/recycling_pb.ts";
import { type Bounds, bounds, describeBounds, isWithin, lengths } from "../bounds.ts";
import { throwViolations, type Violation } from "../planner.ts";
import { MOST_NODES, planSize } from "./size.ts";

type With<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
type Parts = "target" | "network" | "probe" | "fineTuning" | "ranges" | "curves";

/** A specification of a study with every part in place and every value possible. */
export type CompleteStudy = Omit<RunSpec, "study"> & { study: With<Study, Parts> };

/** Initialisations that are not auxiliaries. */
const reservedNames = ["foundation", "fused"];
const RECORDS = "records/1";
const generators = ["image-shards/1", RECORDS, "rotated-mnist/1", "colored-mnist/1"];
/** As many as a job may name. */
const MOST_BACKENDS = 10;
const draws = ["mild/1", "domainbed/1"];
/** How long names of domains and classes may be: as in recipes. */
const LONGEST_LABEL = 1000;

/** The same specification, known to have every part. @throws RpcError INVALID_ARGUMENT with one violation for each wrong field. */
export function completeStudy(spec: RunSpec): CompleteStudy {
  throwViolations(checkStudy(spec));
  return spec as CompleteStudy;
}

type Check = (field: string, right: boolean, description: string) => void;

/** Everything that is wrong with a specification of a study; nothing if it can be planned. */
export function checkStudy(spec: RunSpec): Violation[] {
  const found: Violation[] = [];
  const check: Check = (field, right, description) => {
    if (!right) found.push({ field, description });
  };
  const study = spec.study!;
  check("spec.name", isRunName(spec.name), runNameRule);
  check("spec.seeds", isWithin(spec.seeds.length, lengths.seeds) && isSet(spec.seeds), `${describeLength(lengths.seeds)}, each once`);
  check("spec.backend", isEngineName(spec.backend), "the name of an engine, such as wasm");
  checkBackends(spec, check);
  const { arithmetic } = study;
  check(
    "spec.study.arithmetic",
    arithmetic === "" || /^~[\x20-\x7e]{1,199}$/.test(arithmetic),
    'an approximate arithmetic, such as "~own/1"',
  );
  check("spec.methods", spec.methods.includes("recycling") && isSet(spec.methods), "each once, and recycling among them");
  const stranger = spec.methods.find((method) => !(knownMethods as readonly string[]).includes(method));
  check("spec.methods", stranger === undefined, `one of ${knownMethods.join(", ")}, not ${quote(stranger ?? "", 100)}`);
  check("spec.on_failure", (Object.values(OnFailure) as number[]).includes(spec.onFailure), "a choice that this server knows");
  const ofDigits = { target: spec.target, foundation: spec.foundation, probe: spec.probe, fine_tuning: spec.fineTuning };
  for (const [part, value] of Object.entries(ofDigits))
    check(`spec.${part}`, value === undefined, "belongs to the digits benchmark and not beside a study");
  check("spec.auxiliaries", spec.auxiliaries.length === 0, "belong to the digits benchmark and not beside a study");
  checkTarget(study, check);
  checkNetwork(study.network, study.target?.classes.length ?? 1, check);
  checkFoundation(study, check);
  checkAuxiliaries(study.auxiliaries, check);
  checkTraining("spec.study.probe", study.probe, check);
  check("spec.study.probe.head_only_steps", !study.probe?.headOnlySteps, "0: a probe trains the head alone anyway");
  checkNumber("spec.study.members", study.members, bounds.members, check);
  checkTraining("spec.study.fine_tuning", study.fineTuning, check);
  check("spec.study.fine_tuning.validate_every", (study.fineTuning?.validateEvery ?? 0) > 0, "1 or more: the best step is kept");
  checkRanges(study, check);
  if (study.target?.generator === RECORDS) checkRecords(study, check);
  else {
    checkTransform("spec.study.transform.training", study.transform?.training, PRESET_NAMES, check);
    checkTransform("spec.study.transform.validation", study.transform?.validation, FIXED_PRESETS, check);
  }
  const tasks = tasksOf(study);
  const ofRecords = tasks.filter(({ generator }) => generator === RECORDS).length;
  check("spec.study", ofRecords === 0 || ofRecords === tasks.length, "tasks that are all of images, or all of records");
  checkCurves(study, check);
  const size = planSize(spec);
  check("spec", size <= MOST_NODES, `a run of at most ${MOST_NODES} steps, not of ${size}: fewer seeds, held-out domains or members`);
  return found;
}

function checkBackends({ backend, backends, device }: RunSpec, check: Check): void {
  check("spec.backends", backends.length <= MOST_BACKENDS && isSet(backends), `at most ${MOST_BACKENDS} engines, each once`);
  check(
    "spec.backends",
    backends.every((name) => isEngineName(name)),
    "names of engines, such as wasm",
  );
  check("spec.backends", backends.length === 0 || backends[0] === backend, "spec.backend first");
  check("spec.device", ["", "cpu", "gpu"].includes(device), "cpu or gpu, or empty");
}

const isEngineName = (name: string) => /^[a-z0-9][a-z0-9-]{0,63}$/.test(name) && name !== "auto";

const isSet = (values: readonly unknown[]) => new Set(values).size === values.length;
const describeLength = ({ min, max }: { readonly min: number; readonly max: number }) => `${min} to ${max} values`;
const isLabel = (text: string) => text.length >= 1 && text.length <= LONGEST_LABEL && text.isWellFormed();

function checkNumber(field: string, value: number | undefined, range: Bounds, check: Check): void {
  check(field, value !== undefined && isWithin(value, range), describeBounds(range));
}

function checkTarget({ target, heldOut, validationFraction, heldOutItems }: Study, check: Check): void {
  checkTask("spec.study.target", target, check);
  const domains = target?.domains ?? [];
  check("spec.study.target.domains", domains.length >= 2, "at least two, so that one can be held out");
  check("spec.study.held_out", heldOut.length >= 1 && isSet(heldOut), "at least one domain, each once");
  const stranger = heldOut.find((domain) => !domains.includes(domain));
  check("spec.study.held_out", stranger === undefined, `${quote(stranger ?? "", 100)} is not among the domains`);
  checkNumber("spec.study.validation_fraction", validationFraction, bounds.share, check);
  checkNumber("spec.study.held_out_items", heldOutItems, bounds.heldOutItems, check);
}

function checkTask(field: string, task: Study_Task | undefined, check: Check): void {
  const { source = "", generator = "", domains = [], classes = [], images = [] } = task ?? {};
  check(`${field}.source`, isDigest(source), "digest of an import");
  check(`${field}.generator`, generators.includes(generator), `one of ${generators.join(", ")}`);
  const named = (values: readonly string[], most: number) =>
    isWithin(values.length, { min: 1, max: most }) && isSet(values) && values.every(isLabel);
  check(`${field}.domains`, named(domains, lengths.pictureDomains.max), `1 to ${lengths.pictureDomains.max} names, each once`);
  check(`${field}.classes`, named(classes, bounds.classes.max), `2 to ${bounds.classes.max} names, each once`);
  check(`${field}.classes`, classes.length >= bounds.classes.min, "at least two");
  check(`${field}.images`, images.length === 0 || images.length === domains.length, "one number for each domain, or none");
}

function checkNetwork(network: Study_Network | undefined, classes: number, check: Check): void {
  const field = "spec.study.network";
  const name = network?.name ?? "";
  const known = networkNames().includes(name);
  check(`${field}.name`, /^[a-z0-9][a-z0-9_.-]{0,99}$/.test(name), "the name of a network, such as resnet18");
  check(
    `${field}.head`,
    known === ((network?.head.length ?? 0) === 0),
    "the tensors of the last layer, of a network that only its trainer knows",
  );
  check(`${field}.head`, isSet(network?.head ?? []) && (network?.head.every(isLabel) ?? true), "names of tensors, each once");
  if (!network || !known) return;
  try {
    networkOf(name, { classes: Math.max(classes, 1), ...needsOf(network) });
  } catch (error) {
    check(field, false, error instanceof Error ? error.message : String(error));
  }
}

/** The engines on which the trainings and predictions of a study may be computed. */
export function enginesOf({ backend, backends, device }: Pick<RunSpec, "backend" | "backends" | "device">) {
  return { backends: backends.length > 0 ? [...backends] : [backend], device };
}

/** What a network is wanted for, as `networkOf` takes it. */
export function needsOf({ channels, size, hidden }: Study_Network) {
  return {
    ...(channels > 0 ? { channels } : {}),
    ...(size > 0 ? { size } : {}),
    ...(hidden.length > 0 ? { options: { hidden: [...hidden] } } : {}),
  };
}

function checkFoundation({ foundation }: Study, check: Check): void {
  const from = foundation?.from;
  if (from?.case === "model") check("spec.study.foundation.model", isDigest(from.value), "digest of a model");
  if (from?.case !== "pretraining") return;
  checkTask("spec.study.foundation.pretraining.task", from.value.task, check);
  checkTraining("spec.study.foundation.pretraining.training", from.value.training, check, { last: true });
}

function checkTraining(field: string, training: Study_Training | undefined, check: Check, { last = false } = {}): void {
  checkNumber(`${field}.steps`, training?.steps, bounds.count, check);
  checkNumber(`${field}.batch`, training?.batch, bounds.count, check);
  checkNumber(`${field}.learning_rate`, training?.learningRate, bounds.rate, check);
  checkNumber(`${field}.weight_decay`, training?.weightDecay, bounds.weightDecay, check);
  checkNumber(`${field}.dropout`, training?.dropout, bounds.dropout, check);
  checkNumber(`${field}.head_only_steps`, training?.headOnlySteps, { min: 0, max: bounds.count.max }, check);
  const every = training?.validateEvery ?? 0;
  if (last) check(`${field}.validate_every`, every === 0, "0: the last step is kept");
  else check(`${field}.validate_every`, every <= (training?.steps ?? 0), "at most the number of steps, or no checkpoint is ever chosen");
}

function checkAuxiliaries(auxiliaries: readonly Study_Auxiliary[], check: Check): void {
  const names = auxiliaries.map(({ name }) => name);
  check("spec.study.auxiliaries", isWithin(names.length, lengths.auxiliaries), `at most ${lengths.auxiliaries.max}`);
  check("spec.study.auxiliaries", isSet(names), "each with a name of its own");
  auxiliaries.slice(0, lengths.auxiliaries.max).forEach(({ name, models, task, probe, training, count }, i) => {
    const field = `spec.study.auxiliaries[${i}]`;
    const isLine = name.trim() !== "" && excerpt(name, 60) === name;
    check(`${field}.name`, isLine && !reservedNames.includes(name), `one line of 1 to 60 characters, none of ${reservedNames.join(", ")}`);
    check(field, models.length > 0 !== (task !== undefined), "either models or a task to make them");
    check(
      `${field}.models`,
      models.length <= lengths.models.max && isSet(models) && models.every(isDigest),
      "digests of models, each once",
    );
    if (!task) return;
    checkTask(`${field}.task`, task, check);
    checkTraining(`${field}.probe`, probe, check, { last: true });
    check(`${field}.probe.head_only_steps`, !probe?.headOnlySteps, "0: a probe trains the head alone anyway");
    checkTraining(`${field}.training`, training, check, { last: true });
    checkNumber(`${field}.count`, count, lengths.models, check);
  });
}

function checkRanges({ ranges }: Study, check: Check): void {
  const field = "spec.study.ranges";
  check(`${field}.draw`, draws.includes(ranges?.draw ?? ""), `one of ${draws.join(", ")}`);
  for (const [name, values, range] of [
    ["learning_rates", ranges?.learningRates ?? [], bounds.rate],
    ["dropouts", ranges?.dropouts ?? [], bounds.dropout],
    ["weight_decays", ranges?.weightDecays ?? [], bounds.weightDecay],
  ] as const) {
    check(`${field}.${name}`, isWithin(values.length, lengths.range), describeLength(lengths.range));
    check(
      `${field}.${name}`,
      values.every((value) => isWithin(value, range)),
      `each ${describeBounds(range)}`,
    );
  }
}

function checkTransform(field: string, written: string | undefined, usable: readonly string[], check: Check): void {
  const name = excerpt(written ?? "", 100);
  const listed = `one of ${usable.join(", ")}`;
  const isRandom = PRESET_NAMES.some((known) => known === name);
  const unknown = `${quote(name)} is no transform: ${didYouMean(name, usable, listed)}`;
  check(field, usable.includes(written ?? ""), isRandom ? `${listed}, not ${name}, which draws at random` : unknown);
}

/** Records have no pixels, and no network here is for them. */
function checkRecords({ transform, network }: Study, check: Check): void {
  check("spec.study.transform", transform === undefined, "absent: records have none");
  check(
    "spec.study.network.name",
    !networkNames().includes(network?.name ?? ""),
    "one that a trainer of records knows, by a name of its own",
  );
  check("spec.study.network", network?.channels === 0 && network.size === 0, "without channels and size: records have none");
}

function tasksOf({ target, foundation, auxiliaries }: Study): Study_Task[] {
  const pretraining = foundation?.from.case === "pretraining" ? foundation.from.value.task : undefined;
  return [target, pretraining, ...auxiliaries.map(({ task }) => task)].filter((task) => task !== undefined);
}

function checkCurves({ curves }: Study, check: Check): void {
  const { barriers = 0, curves: whole = 0, points = 0 } = curves ?? {};
  check("spec.study.curves", curves !== undefined, "required");
  check("spec.study.curves.barriers", barriers < bounds.members.max, `from 0 to ${bounds.members.max - 1}`);
  check("spec.study.curves.curves", whole <= barriers, `at most the number of barriers (${barriers})`);
  check("spec.study.curves.points", whole === 0 || isWithin(points, lengths.points), describeBounds(lengths.points));
}
