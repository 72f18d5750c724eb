import { backends, isDigest, isRunName, runNameRule, styleNames } from "#libs/recipes";
import { methods as knownMethods } from "#libs/reporting";
import { excerpt, quote } from "#libs/text";
import {
  type Auxiliary,
  type FineTuning,
  type Foundation,
  type Glyphs,
  OnFailure,
  type RunSpec,
  type Target,
  type Training,
} from "#proto/ratatouille/v1/recycling_pb.ts";
import { type Bounds, bounds, describeBounds, isWithin, lengths } from "../bounds.ts";
import { throwViolations, type Violation } from "../planner.ts";
import { MOST_NODES, planSize } from "./size.ts";

type With<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };

/** A specification with every part in place and every value possible. */
export type CompleteSpec = Omit<With<RunSpec, "target" | "probe">, "foundation" | "auxiliaries" | "fineTuning"> & {
  foundation: With<Foundation, "data" | "training">;
  auxiliaries: With<Auxiliary, "data" | "probe" | "training">[];
  fineTuning: With<FineTuning, "training">;
};

/** Initialisations that are not auxiliaries. */
const reservedNames = ["foundation", "fused"];

/**
 * The same specification, known to have every part.
 * @throws RpcError INVALID_ARGUMENT with one violation for each wrong field.
 */
export function completeSpec(spec: RunSpec): CompleteSpec {
  throwViolations(checkSpec(spec));
  return spec as CompleteSpec;
}

/** Everything that is wrong with a specification; nothing if it can be run. Long lists are described by their first wrong value. */
export function checkSpec(spec: RunSpec): Violation[] {
  const found: Violation[] = [];
  const check: Check = (field, right, description) => {
    if (!right) found.push({ field, description });
  };
  const { target, foundation, auxiliaries, probe, fineTuning, methods } = spec;
  check("spec.name", isRunName(spec.name), runNameRule);
  check("spec.seeds", isWithin(spec.seeds.length, lengths.seeds) && isSet(spec.seeds), `${describeLength(lengths.seeds)}, each once`);
  check("spec.backend", (backends as readonly string[]).includes(spec.backend), `one of ${backends.join(", ")}`);
  check("spec.methods", methods.includes("recycling") && isSet(methods), "each once, and recycling among them");
  const stranger = methods.find((method) => !(knownMethods as readonly string[]).includes(method));
  check("spec.methods", stranger === undefined, `one of ${knownMethods.join(", ")}, not ${quote(stranger ?? "", 100)}`);
  check("spec.on_failure", (Object.values(OnFailure) as number[]).includes(spec.onFailure), "a choice that this server knows");
  checkTarget(target, check);
  checkGlyphs("spec.foundation.data", foundation?.data, check);
  checkTraining("spec.foundation.training", foundation?.training, check);
  checkList("spec.foundation.hidden", foundation?.hidden, lengths.hidden, bounds.width, check);
  checkAuxiliaries(auxiliaries, check);
  checkTraining("spec.probe", probe, check);
  checkFineTuning(fineTuning, check);
  const size = planSize(spec);
  check("spec", size <= MOST_NODES, `a run of at most ${MOST_NODES} steps, not of ${size}: fewer seeds, held-out domains or members`);
  return found;
}

type Check = (field: string, right: boolean, description: string) => void;

const isSet = (values: readonly unknown[]) => new Set(values).size === values.length;
const describeLength = ({ min, max }: { readonly min: number; readonly max: number }) => `${min} to ${max} values`;

function checkNumber(field: string, value: number | undefined, range: Bounds, check: Check): void {
  check(field, value !== undefined && isWithin(value, range), describeBounds(range));
}

function checkList(
  field: string,
  values: readonly number[] | undefined,
  length: { readonly min: number; readonly max: number },
  range: Bounds,
  check: Check,
): void {
  check(field, values !== undefined && isWithin(values.length, length), describeLength(length));
  check(field, values?.every((value) => isWithin(value, range)) ?? true, `each ${describeBounds(range)}`);
}

function checkTarget(target: Target | undefined, check: Check): void {
  const { source = "", domains = [], heldOut = [] } = target ?? {};
  check("spec.target.source", isDigest(source), "digest of an imported source");
  checkList("spec.target.domains", domains, lengths.domains, bounds.degrees, check);
  check("spec.target.domains", isSet(domains), "each once");
  checkList("spec.target.held_out", heldOut, lengths.heldOut, bounds.degrees, check);
  check("spec.target.held_out", isSet(heldOut), "each once");
  const stranger = heldOut.find((degrees) => !domains.includes(degrees));
  check("spec.target.held_out", stranger === undefined, `${stranger} is not among the domains`);
  checkNumber("spec.target.validation_fraction", target?.validationFraction, bounds.share, check);
}

function checkGlyphs(field: string, data: Glyphs | undefined, check: Check): void {
  checkNumber(`${field}.classes`, data?.classes, bounds.classes, check);
  checkNumber(`${field}.images`, data?.images, bounds.count, check);
  if (data) check(`${field}.images`, data.images >= data.classes, `at least one for each of the ${data.classes} classes`);
  checkNumber(`${field}.rotation`, data?.rotation, bounds.radians, check);
  const styles = data?.styles ?? [];
  const known = styles.every((style) => (styleNames as readonly string[]).includes(style));
  check(`${field}.styles`, isWithin(styles.length, lengths.styles) && isSet(styles) && known, `any of ${styleNames.join(", ")}, each once`);
}

function checkTraining(field: string, training: Training | undefined, check: Check): void {
  checkNumber(`${field}.steps`, training?.steps, bounds.count, check);
  checkNumber(`${field}.batch`, training?.batch, bounds.count, check);
  checkNumber(`${field}.learning_rate`, training?.learningRate, bounds.rate, check);
}

function checkAuxiliaries(auxiliaries: readonly Auxiliary[], check: Check): void {
  const names = auxiliaries.map(({ name }) => name);
  check("spec.auxiliaries", isWithin(names.length, lengths.auxiliaries), `at most ${lengths.auxiliaries.max}`);
  check("spec.auxiliaries", isSet(names), "each with a name of its own");
  auxiliaries.slice(0, lengths.auxiliaries.max).forEach(({ name, data, probe, training }, i) => {
    const field = `spec.auxiliaries[${i}]`;
    const isLine = name.trim() !== "" && excerpt(name, 60) === name;
    check(`${field}.name`, isLine && !reservedNames.includes(name), `one line of 1 to 60 characters, none of ${reservedNames.join(", ")}`);
    checkGlyphs(`${field}.data`, data, check);
    checkTraining(`${field}.probe`, probe, check);
    checkTraining(`${field}.training`, training, check);
  });
}

function checkFineTuning(tuning: FineTuning | undefined, check: Check): void {
  const field = "spec.fine_tuning";
  const { training, validateEvery = 0, learningRateFactors = [], dropouts = [], weightDecays = [] } = tuning ?? {};
  checkTraining(`${field}.training`, training, check);
  checkNumber(`${field}.members`, tuning?.members, bounds.members, check);
  checkNumber(`${field}.validate_every`, validateEvery, bounds.count, check);
  check(`${field}.validate_every`, validateEvery <= (training?.steps ?? 0), "at most the number of steps, or no checkpoint is ever chosen");
  checkList(`${field}.learning_rate_factors`, learningRateFactors, lengths.range, bounds.rate, check);
  const vanishing = learningRateFactors.find((factor) => factor > 0 && factor * (training?.learningRate ?? 1) === 0);
  check(`${field}.learning_rate_factors`, vanishing === undefined, `${vanishing} times the learning rate is 0`);
  checkList(`${field}.dropouts`, dropouts, lengths.range, bounds.dropout, check);
  checkList(`${field}.weight_decays`, weightDecays, lengths.range, bounds.weightDecay, check);
}
