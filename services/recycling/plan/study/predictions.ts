import type { Study } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { Source } from "../template.ts";
import type { AddNode } from "./add-node.ts";
import type { FoundationPlan } from "./foundation.ts";
import type { StudyMeasure } from "./recipes.ts";

/** Nodes of what is predicted or measured on the held-out domain, and on the validation rows of the others. */
export type Predicted = { readonly heldOut: string; readonly validation: string };

/** Adds predictions and what is measured of them to a cell. What selects sees validation data alone. */
export type Predictor = {
  /** Predictions of a model, or of the mean of several, by `weights`. */
  both(id: string, models: readonly Source[], options?: PredictionOptions): Predicted;
  validation(id: string, models: readonly Source[], options?: PredictionOptions): string;
  /** Measures the accuracies of predictions, in their order. */
  score(id: string, of: readonly Predicted[], expendable: boolean): Predicted;
  measure(id: string, measure: StudyMeasure, predictions: readonly string[], expendable: boolean): string;
};

type PredictionOptions = { readonly weights?: readonly number[]; readonly expendable?: boolean };

/** Work of a measurement: next to nothing. */
const MEASURE_WORK = 1e6;

/** Predictions in one cell. */
export function createPredictor({
  shared: { recipes, work, target },
  heldOut,
  training,
  split,
  study: { validationFraction, heldOutItems },
  add,
}: {
  readonly shared: FoundationPlan;
  readonly heldOut: string;
  readonly training: readonly string[];
  readonly split: Source;
  readonly study: Pick<Study, "validationFraction" | "heldOutItems">;
  readonly add: AddNode;
}): Predictor {
  const validationPictures = (1 - heldOutItems) * validationFraction * training.reduce((sum, domain) => sum + work.picturesOf(domain), 0);
  const measure: Predictor["measure"] = (id, name, predictions, expendable) =>
    add({ id, stage: "evaluation", template: recipes.measure(name, predictions), work: MEASURE_WORK, expendable });
  const validation: Predictor["validation"] = (id, models, { weights, expendable = false } = {}) =>
    add({
      id: `${id}/validation`,
      stage: "prediction",
      template: {
        ...recipes.predict({
          models,
          ...(weights ? { weights } : {}),
          dataset: target,
          domains: training,
          rows: { part: "validation", split },
        }),
        whole: true,
      },
      work: work.prediction(validationPictures),
      expendable,
    });
  return {
    measure,
    validation,
    both: (id, models, options = {}) => ({
      validation: validation(id, models, options),
      heldOut: add({
        id: `${id}/held-out`,
        stage: "prediction",
        template: {
          ...recipes.predict({
            ...{ models, dataset: target, domains: [heldOut] },
            // What was seen in another domain says nothing of new things.
            ...(heldOutItems > 0 ? { rows: { part: "test", split } as const } : {}),
            ...(options.weights ? { weights: options.weights } : {}),
          }),
          whole: true,
        },
        work: work.prediction((heldOutItems > 0 ? heldOutItems : 1) * work.picturesOf(heldOut)),
        expendable: options.expendable ?? false,
      }),
    }),
    score: (id, of, expendable) => ({
      heldOut: measure(
        `${id}/accuracy/held-out`,
        "accuracy",
        of.map((one) => one.heldOut),
        expendable,
      ),
      validation: measure(
        `${id}/accuracy/validation`,
        "accuracy",
        of.map((one) => one.validation),
        expendable,
      ),
    }),
  };
}
