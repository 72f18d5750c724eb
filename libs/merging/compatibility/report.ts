import type { Mismatch } from "./structure.ts";

/** error: these models must not be averaged. warning: somebody should look. note: what is not known, or known to be harmless. */
export type Severity = "error" | "warning" | "note";

/** What a finding is of. Stable: programs match on it. */
export type FindingCode =
  | Mismatch["code"]
  | "agree" // whole numbers differ that have to be the same
  | "exclude" // an excluded tensor that no model has
  | "empty" // no tensor is left
  | "architecture" // config.json names other classes or sizes
  | "settings" // config.json has other settings that change what weights mean
  | "foundation" // the models come from other foundation models
  | "lineage" // it is not known what they come from
  | "labels" // the outputs mean something else
  | "tokenizer" // the inputs mean something else
  | "licence"
  | "adapter"
  | "not-finite"
  | "equal"
  | "norm"
  | "sign"
  | "cosine"
  | "unrelated";

/** One thing that was found: a sentence, and the tensors and models that it is about. */
export type Finding = {
  readonly severity: Severity;
  readonly code: FindingCode;
  readonly sentence: string;
  readonly tensors: readonly string[];
  readonly models: readonly string[];
};

/** What of a model the report is about. */
export type ModelSummary = {
  readonly name: string;
  readonly tensors: number;
  readonly numbers: number;
  readonly dtypes: readonly string[];
  readonly architecture?: string;
  readonly foundation?: string;
  readonly licences: readonly string[];
};

/** What the weights of one model are like; of an adapter, what it adds to its base. Norms are Euclidean, over all tensors that are averaged; NaN and Inf do not count in them. */
export type WeightsOfModel = {
  readonly name: string;
  readonly norm: number;
  readonly largest?: number;
  /** Norm of its difference to the reference. */
  readonly distance: number;
  /** How often its difference to the base has the sign of the sum of all differences, from 0 to 1. Without a base: its weights, that of theirs. */
  readonly signAgreement?: number;
  readonly notFinite: number;
};

/** What a pass over all weights has found. */
export type WeightsReport = {
  /** What differences are taken to: the base model, or the mean of the models where there is no base. */
  readonly reference: "base" | "mean";
  readonly readBytes: number;
  readonly models: readonly WeightsOfModel[];
  /** Cosines between the differences, models by models; between −1 and 1, 0 for a model that equals the reference. Not for many models. */
  readonly cosines?: readonly (readonly number[])[];
  /** For each layer, in the order of the file: the distance of each model to the reference, relative to the norm of the layer. */
  readonly layers: readonly { readonly layer: string; readonly numbers: number; readonly distances: readonly number[] }[];
};

/**
 * Whether models may be averaged. Plain JSON.
 * incompatible: there is an error. suspicious: nothing forbids it, but the weights or the lineage look wrong. compatible: otherwise.
 */
export type CompatibilityReport = {
  readonly verdict: "compatible" | "suspicious" | "incompatible";
  readonly models: readonly ModelSummary[];
  readonly base?: string;
  /** SPDX expression for what is made of them; without it a finding says why there is none. */
  readonly licence?: string;
  /** Errors first. */
  readonly findings: readonly Finding[];
  /** Only of a full check. */
  readonly weights?: WeightsReport;
};

const SEVERITIES: readonly Severity[] = ["error", "warning", "note"];
/** Warnings that do not touch whether the average makes sense. */
const ASIDE: ReadonlySet<FindingCode> = new Set(["licence"]);

/** Findings in the order of their severity, and what they come to. */
export function judge(found: readonly Finding[]): Pick<CompatibilityReport, "verdict" | "findings"> {
  const findings = SEVERITIES.flatMap((severity) => found.filter((finding) => finding.severity === severity));
  const incompatible = findings.some(({ severity }) => severity === "error");
  const suspicious = findings.some(({ severity, code }) => severity === "warning" && !ASIDE.has(code));
  return { verdict: incompatible ? "incompatible" : suspicious ? "suspicious" : "compatible", findings };
}

/** One finding. */
export function finding(
  severity: Severity,
  code: FindingCode,
  sentence: string,
  { tensors = [], models = [] }: { readonly tensors?: readonly string[]; readonly models?: readonly string[] } = {},
): Finding {
  return { severity, code, sentence, tensors, models };
}
