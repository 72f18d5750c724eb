import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Measurement, PredictionScore } from "#libs/recipes";
import type { EvaluateResponseSchema, ScoreSchema } from "#proto/ratatouille/v1/evaluation_pb.ts";

type Measured = Exclude<MessageInitShape<typeof EvaluateResponseSchema>["measured"], undefined>;

/** What was measured of predictions, as messages. Measurements of the digits benchmark have none. @param kind of the recipe */
export function measuredMessage(kind: string, result: string): Measured | undefined {
  if (kind !== "measure") return undefined;
  const found = JSON.parse(result) as Measurement;
  switch (found.measure) {
    case "accuracy":
      return { case: "accuracy", value: { predictions: found.predictions.map(scoreMessage) } };
    case "ensemble":
      return { case: "ensemble", value: scoreMessage(found) };
    case "diversity":
      return { case: "diversity", value: { ratioError: found.ratioError, pairs: BigInt(found.pairs) } };
    case "calibration":
      return {
        case: "calibration",
        value: {
          predictions: found.predictions.map(({ ece, brier, bins, domains }) => ({
            ...{ ece, brier, domains: domains.map((domain) => ({ ...domain })) },
            bins: bins.map((bin) => ({ ...bin, count: BigInt(bin.count) })),
          })),
        },
      };
  }
}

function scoreMessage({ correct, count, loss, domains, mean }: PredictionScore): MessageInitShape<typeof ScoreSchema> {
  return {
    ...{ correct: BigInt(correct), count: BigInt(count), loss, meanAccuracy: mean.accuracy, meanLoss: mean.loss },
    domains: domains.map((one) => ({ domain: one.domain, correct: BigInt(one.correct), count: BigInt(one.count), loss: one.loss })),
  };
}
