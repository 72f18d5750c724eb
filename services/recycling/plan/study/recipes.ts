import { arithmetics, type Json } from "#libs/recipes";
import type { Study_Training } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { Hyperparameters } from "../sets.ts";
import type { Source, Template } from "../template.ts";
import { type CompleteStudy, needsOf } from "./specification.ts";

/** What a training starts from and learns. */
export type TrainingPlan = {
  readonly dataset: Source;
  readonly split?: Source;
  /** Without them the seed draws the weights. */
  readonly weights?: Source;
  readonly head?: Source;
  readonly classes: number;
  readonly domains: readonly string[];
  readonly training: Study_Training;
  /** Instead of those of `training`. */
  readonly hyperparameters?: Hyperparameters;
  readonly headOnly?: boolean;
  /** Whether the head is trained alone first, for as many steps as `training` says. */
  readonly warmUp?: boolean;
  readonly seed: number;
};

/** A prediction of the mean of models. */
export type PredictionPlan = {
  readonly models: readonly Source[];
  /** One for each model; without them all count the same. */
  readonly weights?: readonly number[];
  readonly dataset: Source;
  readonly domains: readonly string[];
  /** Only the rows of a part that a split names. */
  readonly rows?: { readonly part: "validation" | "test"; readonly split: Source };
};

/** What is measured in a study. */
export type StudyMeasure = "accuracy" | "calibration" | "ensemble" | "diversity";

/** Writes the recipes of a study. Parameters at their defaults are left out, so that equal recipes have equal keys. */
export type RecipeWriter = {
  /** How a data set is split: by items where some are held out. */
  split(plan: { readonly fraction: number; readonly trial: number }): Template["parameters"];
  train(plan: TrainingPlan): Template;
  predict(plan: PredictionPlan): Template;
  measure(measure: StudyMeasure, predictions: readonly string[]): Template;
};

/** The recipes of a study's trainings, predictions and measurements. */
export function recipeWriter({ study }: CompleteStudy): RecipeWriter {
  const network: Json = { name: study.network.name, ...needsOf(study.network) };
  const unknownHead = study.network.head.length > 0 ? { head: [...study.network.head] } : {};
  const { transform } = study;
  const arithmetic = study.arithmetic || arithmetics.training;
  return {
    split: ({ fraction, trial }) =>
      study.heldOutItems > 0
        ? { scheme: "items/1", fraction, trial, test: study.heldOutItems }
        : { scheme: "domainbed/1", fraction, trial },
    train({ dataset, split, weights, head, classes, domains, training, hyperparameters, headOnly = false, warmUp = false, seed }) {
      const { learningRate, weightDecay, dropout } = hyperparameters ?? training;
      const { steps, batch, headOnlySteps, validateEvery, withReplacement } = training;
      const validated = split !== undefined && validateEvery > 0;
      return {
        kind: "train",
        inputs: { dataset, ...(split ? { split } : {}), ...(weights ? { weights } : {}), ...(head ? { head } : {}) },
        parameters: {
          network,
          ...unknownHead,
          classes,
          domains: [...domains],
          ...(headOnly ? { trainable: "head" } : {}),
          optimiser: { name: "adam", learningRate, ...(weightDecay > 0 ? { weightDecay } : {}) },
          steps,
          ...(warmUp && headOnlySteps > 0 ? { headOnlySteps } : {}),
          batch,
          ...(withReplacement ? { sampling: "with-replacement" } : {}),
          ...(transform ? { transform: { training: transform.training, validation: transform.validation } } : {}),
          ...(dropout > 0 ? { dropout } : {}),
          ...(validated ? { validate: { every: validateEvery }, keep: "best" } : {}),
        },
        seed,
        arithmetic,
      };
    },
    predict: ({ models, weights, dataset, domains, rows }) => ({
      kind: "predict",
      inputs: { models, dataset, ...(rows ? { split: rows.split } : {}) },
      parameters: {
        network,
        classes: study.target.classes.length,
        domains: [...domains],
        ...(rows ? { part: rows.part } : {}),
        ...(transform ? { transform: transform.validation } : {}),
        ...(weights ? { weights: [...weights] } : {}),
      },
      arithmetic,
    }),
    measure: (measure, predictions) => ({
      kind: "measure",
      inputs: { predictions: predictions.map((node) => ({ node })) },
      parameters: { measure },
      arithmetic: arithmetics.measuring,
    }),
  };
}
