import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Artifacts } from "#libs/artifacts";
import { createLimit, createSharedWork } from "#libs/concurrency";
import { type CompatibilityReport, checkStreams, type Finding } from "#libs/merging";
import { type Implementation, invalidArgument } from "#libs/rpc";
import {
  type AveragingService,
  type CheckFindingSchema,
  type CheckModelsRequest,
  type CheckReportSchema,
  CheckSeverity,
  CheckVerdict,
} from "#proto/ratatouille/v1/averaging_pb.ts";
import { openChecked } from "./check-models.ts";
import { InvalidAverageError, type Violation } from "./errors.ts";

const MOST_MODELS = 1000;
/** All models' blocks together stay near this. */
const MEMORY_BYTES = 64 << 20;
const SMALLEST_BLOCK_BYTES = 1 << 16;
const LARGEST_BLOCK_BYTES = 1 << 20;
/** Full checks at once: each keeps a core busy. Others wait for their turn. */
const FULL_CHECKS = 2;
/** Keeps messages far below 4 MiB, also where names are long. */
const TENSORS_PER_MESSAGE = 1000;

type Progress = { readonly readBytes: number; readonly totalBytes: number };

/** The `CheckModels` call over a catalog. Equal calls at the same time are one piece of work. */
export function createCheckService(artifacts: Artifacts): Pick<Implementation<typeof AveragingService>, "checkModels"> {
  const limit = createLimit(FULL_CHECKS);
  const shared = createSharedWork<Progress, CompatibilityReport>();
  return {
    async *checkModels(request, { signal }) {
      const { models, base, exclude, allowUnrelated, mixedTypes, full } = request;
      const key = JSON.stringify([models, base, exclude, allowUnrelated, mixedTypes, full]);
      const work = shared.follow(key, signal, ({ signal, report }) => {
        const run = () => check(artifacts, request, signal, report);
        return full ? limit(run) : run();
      });
      try {
        for (;;) {
          const { done, value } = await work.next();
          if (done) {
            for (const finding of value.findings)
              for (const part of findingMessages(finding)) yield { event: { case: "finding", value: part } };
            yield { event: { case: "report", value: reportMessage(value) } };
            return;
          }
          yield { event: { case: "progress", value: { readBytes: BigInt(value.readBytes), totalBytes: BigInt(value.totalBytes) } } };
        }
      } catch (error) {
        if (error instanceof InvalidAverageError) throw invalid(error.violations, error);
        throw error;
      } finally {
        await work.return(undefined as never);
      }
    },
  };
}

async function check(
  artifacts: Artifacts,
  { models, base, exclude, allowUnrelated, mixedTypes, full }: CheckModelsRequest,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<CompatibilityReport> {
  if (models.length === 0 || models.length > MOST_MODELS)
    throw new InvalidAverageError([{ field: "models", description: `are ${models.length}; they have to be 1 to ${MOST_MODELS}` }]);
  const fields = models.map((digest, i) => ({ field: `models[${i}]`, digest }));
  if (base !== "") fields.push({ field: "base", digest: base });
  const share = Math.floor(MEMORY_BYTES / fields.length / SMALLEST_BLOCK_BYTES) * SMALLEST_BLOCK_BYTES;
  const blockBytes = Math.min(LARGEST_BLOCK_BYTES, Math.max(SMALLEST_BLOCK_BYTES, share));
  const opened = await openChecked(artifacts, fields, { blockBytes, signal });
  return checkStreams(opened.slice(0, models.length), {
    base: opened[models.length],
    exclude: new Set(exclude),
    allowUnrelated,
    mixedTypes,
    full,
    signal,
    onProgress,
  });
}

const SEVERITIES: { readonly [severity in Finding["severity"]]: CheckSeverity } = {
  error: CheckSeverity.ERROR,
  warning: CheckSeverity.WARNING,
  note: CheckSeverity.NOTE,
};
const VERDICTS: { readonly [verdict in CompatibilityReport["verdict"]]: CheckVerdict } = {
  compatible: CheckVerdict.COMPATIBLE,
  suspicious: CheckVerdict.SUSPICIOUS,
  incompatible: CheckVerdict.INCOMPATIBLE,
};

/** A finding, in several messages where it is of very many tensors. */
function* findingMessages({ severity, code, sentence, tensors, models }: Finding): Generator<MessageInitShape<typeof CheckFindingSchema>> {
  for (let first = 0; first === 0 || first < tensors.length; first += TENSORS_PER_MESSAGE) {
    yield {
      severity: SEVERITIES[severity],
      code,
      sentence,
      tensors: tensors.slice(first, first + TENSORS_PER_MESSAGE),
      models: [...models],
    };
  }
}

function reportMessage({ verdict, models, licence, weights }: CompatibilityReport): MessageInitShape<typeof CheckReportSchema> {
  return {
    verdict: VERDICTS[verdict],
    models: models.map(({ name, numbers, tensors, dtypes, architecture, foundation, licences }, k) => {
      const { norm, distance, signAgreement, largest, notFinite } = weights?.models[k] ?? {};
      return {
        digest: name,
        numbers: BigInt(numbers),
        tensors,
        dtypes: [...dtypes],
        licences: [...licences],
        ...(architecture === undefined ? {} : { architecture }),
        ...(foundation === undefined ? {} : { foundation }),
        ...(weights === undefined
          ? {}
          : { norm: norm!, distance: distance!, signAgreement: signAgreement ?? 0, largest: largest ?? 0, notFinite: BigInt(notFinite!) }),
      };
    }),
    licence: licence ?? "",
    readBytes: BigInt(weights?.readBytes ?? 0),
    layers: (weights?.layers ?? []).map(({ layer, numbers, distances }) => ({
      name: layer,
      numbers: BigInt(numbers),
      distances: [...distances],
    })),
    cosines: (weights?.cosines ?? []).flat(),
  };
}

function invalid(violations: readonly Violation[], cause: Error) {
  const message = violations.map(({ field, description }) => `${field} ${description}`).join("; ");
  return invalidArgument(message, { reason: "CHECK_INVALID", violations, cause });
}
