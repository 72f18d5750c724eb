import { type CompareOptions, type CompatibilityReport, checkModels, type Finding } from "#libs/merging";
import type { ModelFiles } from "#libs/models";
import { moreLine } from "#libs/text";
import type { CommandContext } from "../context.ts";
import { writeWrapped } from "../write-wrapped.ts";
import { shownOf } from "./finding-lines.ts";

export type CompatibleOptions = {
  readonly base?: ModelFiles | undefined;
  readonly exclude?: ReadonlySet<string>;
  readonly allowUnrelated?: boolean;
  /** Types of numbers may differ, as that of the result is given. */
  readonly mixedTypes?: boolean;
  /** How the models' heads were settled. */
  readonly heads?: CompareOptions["heads"];
  /** What is not looked at here, as it is looked at elsewhere. */
  readonly ignore?: (finding: Finding) => boolean;
};

/** Checks models before they are merged; warnings go to stderr. @throws Error that lists everything for which they cannot be */
export async function requireCompatible(
  models: readonly ModelFiles[],
  options: CompatibleOptions,
  { signal, stderr }: CommandContext,
): Promise<CompatibilityReport> {
  const { base, exclude, allowUnrelated = false, mixedTypes = false, heads, ignore = () => false } = options;
  for (const note of heads?.notes ?? []) writeWrapped(stderr, `note: ${note}\n`);
  const report = await checkModels(models, { base, exclude, allowUnrelated, mixedTypes, heads, full: false, signal });
  const findings = report.findings.filter((finding) => !ignore(finding));
  const errors = findings.filter(({ severity }) => severity === "error");
  if (errors.length > 0) {
    const lines = shownOf(errors).flatMap(({ sentence, tensors, more }) => [
      `  ${sentence}`,
      ...[...tensors, ...(more > 0 ? [moreLine(more, "ratatouille check --json")] : [])].map((line) => `    ${line}`),
    ]);
    throw new Error(["these models cannot be averaged:", ...lines].join("\n"));
  }
  // What is known of the licence is part of what the command says at the end.
  const warnings = findings.filter(({ severity, code }) => severity === "warning" && code !== "licence");
  for (const { sentence, tensors, more } of shownOf(warnings))
    writeWrapped(
      stderr,
      `warning: ${[sentence, ...tensors, ...(more > 0 ? [moreLine(more, "ratatouille check --json")] : [])].join("\n  ")}\n`,
    );
  return report;
}
