import type { TrainingCurve, TrainingSummary } from "#libs/recipes";

/** Losses since the last entry of the curve. */
export type Pending = { readonly sum: number; readonly count: number };

/** What a training has written down, as it is in a checkpoint. `B`: the best weights so far, in the form of the loop. */
export type Written<B> = { readonly curve: TrainingCurve; readonly pending: Pending; readonly best?: B | undefined };

/** A step that has been done, in numbers. */
export type StepNumbers = {
  /** From 1. */
  readonly step: number;
  /** Mean loss of the batch, before the update. */
  readonly loss: number;
  /** Present where the step was followed by a validation. */
  readonly validationAccuracy?: number;
  /** The best validation accuracy so far. */
  readonly bestAccuracy?: number;
};

/** What a training writes down step by step: its curve, and the best weights. */
export type Books<B> = {
  /** A step and its loss; call it once for each, in order, with the accuracy where the step was followed by a validation. */
  enter(step: number, loss: number, accuracy?: number): StepNumbers;
  readonly written: Written<B>;
  readonly summary: TrainingSummary;
};

/** Steps between entries of the loss curve. */
const CURVE_STEPS = 25;

/** Nothing is written yet. */
export const nothingWritten: Written<never> = { curve: { loss: [], validation: [] }, pending: { sum: 0, count: 0 } };

/**
 * Goes on with what is written.
 * @param options.total steps of the training
 * @param options.best copies the weights as they are now, where the best are kept
 */
export function openBooks<B extends { readonly step: number; readonly accuracy: number }>(
  from: Written<B>,
  { total, best: copy }: { readonly total: number; readonly best: ((step: number, accuracy: number) => B) | undefined },
): Books<B> {
  const curve = { loss: [...from.curve.loss], validation: [...from.curve.validation] };
  let { pending, best } = from;
  let bestAccuracy = curve.validation.reduce<number | undefined>((most, { accuracy }) => Math.max(most ?? 0, accuracy), undefined);
  return {
    enter(step, loss, accuracy) {
      pending = { sum: pending.sum + loss, count: pending.count + 1 };
      if (step % CURVE_STEPS === 0 || step === total) {
        curve.loss.push({ step, loss: pending.sum / pending.count });
        pending = { sum: 0, count: 0 };
      }
      if (accuracy !== undefined) {
        curve.validation.push({ step, accuracy });
        bestAccuracy = Math.max(bestAccuracy ?? 0, accuracy);
        // Only what is better replaces the best, so that of equals the earliest stays.
        if (copy && (best === undefined || accuracy > best.accuracy)) best = copy(step, accuracy);
      }
      return {
        ...{ step, loss },
        ...(accuracy === undefined ? {} : { validationAccuracy: accuracy }),
        ...(bestAccuracy === undefined ? {} : { bestAccuracy }),
      };
    },
    get written() {
      return { curve: { loss: [...curve.loss], validation: [...curve.validation] }, pending, ...(best ? { best } : {}) };
    },
    get summary() {
      const accuracy = best?.accuracy ?? curve.validation.at(-1)?.accuracy;
      return {
        steps: total,
        bestStep: best?.step ?? total,
        ...(accuracy === undefined ? {} : { validationAccuracy: accuracy }),
        finalLoss: curve.loss.at(-1)?.loss ?? 0,
      };
    },
  };
}
