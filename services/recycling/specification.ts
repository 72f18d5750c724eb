import { backends, isDigest, isRunName, runNameRule, styleNames } from "#libs/recipes";
import { methods as knownMethods } from "#libs/reporting";
import { invalidArgument } from "#libs/rpc";
import type { Auxiliary, FineTuning, Foundation, Glyphs, RunSpec, Target, Training } from "#proto/ratatouille/v1/recycling_pb.ts";

type With<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };

/** A specification with every part in place and every value possible. */
export type CompleteSpec = Omit<With<RunSpec, "target" | "probe">, "foundation" | "auxiliaries" | "fineTuning"> & {
  foundation: With<Foundation, "data" | "training">;
  auxiliaries: With<Auxiliary, "data" | "probe" | "training">[];
  fineTuning: With<FineTuning, "training">;
};

/** A field and what is wrong with it. */
export type Violation = { readonly field: string; readonly description: string };

/**
 * Checks a specification that came over the wire.
 * @throws RpcError INVALID_ARGUMENT with one violation for each wrong field.
 */
export function completeSpec(spec: RunSpec): CompleteSpec {
  const violations = checkSpec(spec);
  if (violations.length === 0) return spec as CompleteSpec;
  const [first] = violations;
  throw invalidArgument(`${first?.field}: ${first?.description}`, { reason: "SPECIFICATION_INVALID", violations: [...violations] });
}

/** Everything that is wrong with a specification; nothing if it can be run. */
export function checkSpec(spec: RunSpec): Violation[] {
  const found: Violation[] = [];
  const check = (field: string, right: boolean, description: string) => {
    if (!right) found.push({ field, description });
  };
  check("spec.name", isRunName(spec.name), runNameRule);
  check("spec.seeds", spec.seeds.length > 0 && isSet(spec.seeds), "at least one seed, each once");
  check("spec.backend", (backends as readonly string[]).includes(spec.backend), `one of ${backends.join(", ")}`);
  check("spec.methods", spec.methods.includes("recycling"), "must contain recycling");
  for (const method of spec.methods)
    check("spec.methods", (knownMethods as readonly string[]).includes(method), `unknown method ${method}`);
  checkTarget(spec.target, check);
  checkGlyphs("spec.foundation.data", spec.foundation?.data, check);
  checkTraining("spec.foundation.training", spec.foundation?.training, check);
  const hidden = spec.foundation?.hidden ?? [];
  check("spec.foundation.hidden", hidden.length > 0 && hidden.every((width) => width > 0), "at least one width above 0");
  const names = spec.auxiliaries.map(({ name }) => name);
  check(
    "spec.auxiliaries",
    isSet(names) && names.every((name) => name.length > 0 && name.length <= 100),
    "each a name of its own, of at most 100 characters",
  );
  spec.auxiliaries.forEach(({ data, probe, training }, i) => {
    checkGlyphs(`spec.auxiliaries[${i}].data`, data, check);
    checkTraining(`spec.auxiliaries[${i}].probe`, probe, check);
    checkTraining(`spec.auxiliaries[${i}].training`, training, check);
  });
  checkTraining("spec.probe", spec.probe, check);
  checkTraining("spec.fine_tuning.training", spec.fineTuning?.training, check);
  check("spec.fine_tuning.members", (spec.fineTuning?.members ?? 0) > 0, "at least 1");
  check("spec.fine_tuning.validate_every", (spec.fineTuning?.validateEvery ?? 0) > 0, "at least 1 step");
  const { learningRateFactors = [], dropouts = [], weightDecays = [] } = spec.fineTuning ?? {};
  check(
    "spec.fine_tuning.learning_rate_factors",
    learningRateFactors.every((factor) => factor > 0),
    "each above 0",
  );
  check(
    "spec.fine_tuning.dropouts",
    dropouts.every((dropout) => dropout >= 0 && dropout < 1),
    "each from 0 up to but not 1",
  );
  check(
    "spec.fine_tuning.weight_decays",
    weightDecays.every((decay) => decay >= 0),
    "each 0 or more",
  );
  return found;
}

type Check = (field: string, right: boolean, description: string) => void;

const isSet = (values: readonly unknown[]) => new Set(values).size === values.length;

function checkTarget(target: Target | undefined, check: Check): void {
  const { source = "", domains = [], heldOut = [], validationFraction = 0 } = target ?? {};
  check("spec.target.source", isDigest(source), "digest of an imported source");
  check("spec.target.domains", domains.length > 1 && isSet(domains), "at least two rotations, each once");
  check("spec.target.held_out", heldOut.length > 0 && isSet(heldOut), "at least one domain, each once");
  for (const degrees of heldOut) check("spec.target.held_out", domains.includes(degrees), `${degrees} is not among the domains`);
  check("spec.target.validation_fraction", validationFraction > 0 && validationFraction < 1, "above 0 and below 1");
}

function checkGlyphs(field: string, data: Glyphs | undefined, check: Check): void {
  check(`${field}.classes`, (data?.classes ?? 0) > 1, "at least 2");
  check(`${field}.images`, (data?.images ?? 0) > 0, "at least 1");
  check(`${field}.rotation`, Number.isFinite(data?.rotation) && (data?.rotation ?? -1) >= 0, "0 or more radians");
  const styles = data?.styles ?? [];
  check(
    `${field}.styles`,
    styles.length > 0 && styles.every((style) => (styleNames as readonly string[]).includes(style)),
    `any of ${styleNames.join(", ")}`,
  );
}

function checkTraining(field: string, training: Training | undefined, check: Check): void {
  check(`${field}.steps`, (training?.steps ?? 0) > 0, "at least 1");
  check(`${field}.batch`, (training?.batch ?? 0) > 0, "at least 1");
  check(`${field}.learning_rate`, Number.isFinite(training?.learningRate) && (training?.learningRate ?? 0) > 0, "above 0");
}
