import type { Digest, EvaluationResult, Measurement, TrainingSummary } from "#libs/recipes";

/** What the manifest of a trained model says of its training, and where its curve is. */
export type Trained = TrainingSummary & { readonly curve?: Digest };

/** How a node ended. `trained` of models that were trained, `result` of evaluations, `data` the digest of the bytes of data sets. */
export type Outcome =
  | {
      readonly state: "done";
      readonly digest: Digest;
      readonly trained?: Trained;
      readonly result?: EvaluationResult | Measurement;
      readonly data?: Digest;
    }
  | { readonly state: "failed"; readonly error: string };

export type Outcomes = ReadonlyMap<string, Outcome>;
