/** How well a model does on labelled data. `loss` is the mean cross-entropy in nats. */
export type Score = { readonly correct: number; readonly count: number; readonly loss: number };

/** Accuracy (0 to 1) and loss differences of one pair of models at their midpoint. */
export type Barrier = { readonly accuracy: number; readonly loss: number };
export type BarrierSummary = { readonly meanAccuracy: number; readonly maxAccuracy: number; readonly meanLoss: number };

/**
 * What an evaluation found; the JSON of its artifact. Models are counted in the order of the recipe's `inputs.models`.
 * A barrier is (a_i + a_j)/2 - a_mid for accuracy and l_mid - (l_i + l_j)/2 for loss (linear mode connectivity).
 * The ratio-error is the mean over pairs of #(exactly one wrong) / max(#(both wrong), 1).
 */
export type EvaluationResult =
  | { readonly measure: "accuracy"; readonly models: readonly { readonly heldOut?: Score; readonly validation?: Score }[] }
  | { readonly measure: "ensemble"; readonly heldOut: { readonly correct: number; readonly count: number } }
  | {
      readonly measure: "barriers";
      readonly pairs: readonly { readonly pair: readonly [number, number]; readonly heldOut?: Barrier; readonly validation?: Barrier }[];
      readonly summary: { readonly heldOut?: BarrierSummary; readonly validation?: BarrierSummary };
    }
  | {
      readonly measure: "interpolation";
      readonly curves: readonly {
        readonly pair: readonly [number, number];
        readonly lambdas: readonly number[];
        readonly heldOut?: readonly number[];
        readonly validation?: readonly number[];
      }[];
    }
  | { readonly measure: "diversity"; readonly ratioError: number; readonly pairs: number }
  | {
      readonly measure: "greedy";
      readonly selected: readonly number[];
      readonly trials: readonly { readonly index: number; readonly accuracy: number; readonly accepted: boolean }[];
    };

/**
 * A score over all rows of a prediction, and of each domain of its recipe, in their order; one without rows has the loss 0. `mean` is that
 * of the domains with rows, each counting the same: what DomainBed reports.
 */
export type PredictionScore = Score & {
  readonly domains: readonly (Score & { readonly domain: string })[];
  readonly mean: { readonly accuracy: number; readonly loss: number };
};

/** How much confidences are worth: expected calibration error, 0 to 1, and Brier score, 0 to 2; lower is better. */
export type Calibration = { readonly ece: number; readonly brier: number };

/** The rows whose confidence is in a bin: how many, their mean confidence, and the share of right answers among them. */
export type ConfidenceBin = { readonly bin: number; readonly count: number; readonly confidence: number; readonly accuracy: number };

/**
 * What was measured of predictions (`measure/2`); the JSON of its artifact. Predictions are counted in the order of the recipe's
 * `inputs.predictions`. An ensemble is the mean of probabilities, or of logits where the recipe says so. The ratio-error is as above.
 * Calibration is that of all rows, with the bins that have rows, and of each domain that has rows.
 */
export type Measurement =
  | { readonly measure: "accuracy"; readonly predictions: readonly PredictionScore[] }
  | ({ readonly measure: "ensemble" } & PredictionScore)
  | { readonly measure: "diversity"; readonly ratioError: number; readonly pairs: number }
  | {
      readonly measure: "calibration";
      readonly predictions: readonly (Calibration & {
        readonly bins: readonly ConfidenceBin[];
        readonly domains: readonly (Calibration & { readonly domain: string })[];
      })[];
    };

/** What a training says of itself in the manifest of its model. `validationAccuracy` is that of the kept weights. */
export type TrainingSummary = {
  readonly steps: number;
  readonly bestStep: number;
  readonly validationAccuracy?: number;
  readonly finalLoss: number;
};

/** Loss (mean since the entry before) and validation accuracy along a training; the JSON of training.json. */
export type TrainingCurve = {
  readonly loss: readonly { readonly step: number; readonly loss: number }[];
  readonly validation: readonly { readonly step: number; readonly accuracy: number }[];
};
