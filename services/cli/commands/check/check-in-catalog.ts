import type { CompatibilityReport, Finding, FindingCode } from "#libs/merging";
import { findArtifact } from "#libs/remote-models";
import { Code, isRpcError, unavailable } from "#libs/rpc";
import { counted } from "#libs/text";
import { AveragingService, type CheckFinding, type CheckReport, CheckSeverity, CheckVerdict } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { CommandContext } from "../../context.ts";
import { targetOf } from "../../models/catalog-model.ts";
import { showReading } from "../../models/reading-display.ts";
import type { CheckCommandOptions } from "./options.ts";

/** A check of many large models waits for its turn, and may be silent meanwhile. */
const IDLE_TIMEOUT_MS = 600_000;

/** Checks models where they are. Undefined if the catalog does not have one of them: who reads files says what it is then. */
export async function checkInCatalog(
  names: readonly string[],
  options: CheckCommandOptions,
  context: CommandContext,
): Promise<CompatibilityReport | undefined> {
  const { channel } = await targetOf(options, context);
  const catalog = channel.client(CatalogService);
  const namesOf = new Map<string, string>();
  const find = async (name: string) => {
    const { digest } = await findArtifact(name, catalog, context.signal);
    namesOf.set(digest, name);
    return digest;
  };
  const models: string[] = [];
  let base = "";
  try {
    for (const name of names) models.push(await find(name));
    if (options.base !== undefined) base = await find(options.base);
  } catch (error) {
    if (isRpcError(error, Code.NOT_FOUND)) return undefined;
    throw error;
  }
  const { exclude = [], allowUnrelated = false, mixedTypes = false, full = false } = options;
  const request = { models, base, exclude: [...exclude], allowUnrelated, mixedTypes, full };
  using display = showReading(
    `reading ${counted(models.length, "model")}`,
    context.stderr,
    options.quiet === true || options.json === true,
  );
  const findings: Finding[] = [];
  const calls = channel.client(AveragingService);
  for await (const { event } of calls.checkModels(request, { signal: context.signal, timeoutMs: 0, idleTimeoutMs: IDLE_TIMEOUT_MS })) {
    if (event.case === "progress") {
      display.update({ readBytes: Number(event.value.readBytes), totalBytes: Number(event.value.totalBytes) });
    } else if (event.case === "finding") addFinding(findings, event.value, namesOf);
    else if (event.case === "report") return reportOf(event.value, findings, names, namesOf, options);
  }
  throw unavailable("the server ended without a report");
}

const SEVERITIES: { readonly [severity: number]: Finding["severity"] } = {
  [CheckSeverity.ERROR]: "error",
  [CheckSeverity.WARNING]: "warning",
};
const VERDICTS: { readonly [verdict: number]: CompatibilityReport["verdict"] } = {
  [CheckVerdict.COMPATIBLE]: "compatible",
  [CheckVerdict.SUSPICIOUS]: "suspicious",
};

/** A finding of very many tensors comes in parts. */
function addFinding(findings: Finding[], part: CheckFinding, namesOf: ReadonlyMap<string, string>): void {
  const severity = SEVERITIES[part.severity] ?? "note";
  const sentence = named(part.sentence, namesOf);
  const tensors = part.tensors.map((tensor) => named(tensor, namesOf));
  const last = findings.at(-1);
  if (last?.sentence === sentence && last.code === part.code)
    findings[findings.length - 1] = { ...last, tensors: [...last.tensors, ...tensors] };
  else
    findings.push({
      severity,
      code: part.code as FindingCode,
      sentence,
      tensors,
      models: part.models.map((model) => named(model, namesOf)),
    });
}

/** The server knows models by their digests, whoever asks by the names that they gave. */
function named(text: string, namesOf: ReadonlyMap<string, string>): string {
  return text.replace(/sha256:[0-9a-f]{64}/g, (digest) => namesOf.get(digest) ?? digest);
}

function reportOf(
  { verdict, models, licence, layers, cosines, readBytes }: CheckReport,
  findings: readonly Finding[],
  names: readonly string[],
  namesOf: ReadonlyMap<string, string>,
  { base, full = false }: CheckCommandOptions,
): CompatibilityReport {
  const rows = models.map((_, k) => cosines.slice(k * models.length, (k + 1) * models.length));
  return {
    verdict: VERDICTS[verdict] ?? "incompatible",
    findings,
    models: models.map(({ numbers, tensors, dtypes, architecture, foundation, licences }, k) => ({
      name: names[k]!,
      tensors,
      numbers: Number(numbers),
      dtypes,
      ...(architecture === "" ? {} : { architecture }),
      ...(foundation === "" ? {} : { foundation: named(foundation, namesOf) }),
      licences,
    })),
    ...(base === undefined ? {} : { base }),
    ...(licence === "" ? {} : { licence }),
    ...(full && layers.length > 0
      ? {
          weights: {
            reference: base === undefined ? "mean" : "base",
            readBytes: Number(readBytes),
            models: models.map(({ norm, distance, signAgreement, largest, notFinite }, k) => ({
              name: names[k]!,
              norm,
              largest,
              distance,
              signAgreement,
              notFinite: Number(notFinite),
            })),
            ...(cosines.length > 0 ? { cosines: rows } : {}),
            layers: layers.map(({ name, numbers, distances }) => ({ layer: name, numbers: Number(numbers), distances })),
          },
        }
      : {}),
  };
}
