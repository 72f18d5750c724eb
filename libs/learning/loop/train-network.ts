import type { BatchSource } from "#libs/batches";
import { finishInTurns } from "#libs/concurrency";
import type { Network, NetworkWeights } from "#libs/networks";
import { type TrainingCurve, type TrainingSummary, type TrainParameters, trainDefaults } from "#libs/recipes";
import { nothingWritten, openBooks, type StepNumbers } from "../books.ts";
import type { Engine } from "../engines/kernels.ts";
import { createModel, type Model } from "../engines/network/model.ts";
import { planOf } from "../engines/network/plan.ts";
import { NonFiniteLossError, UnfitInputError } from "../errors.ts";
import type { SavedState } from "../saved-state.ts";
import { type Best, type DecodedNetworkCheckpoint, type NetworkCheckpoint, resumed, savedNetworkState } from "./checkpoint.ts";
import { checkLabels } from "./pictures.ts";
import { trainStep } from "./step.ts";
import { type ValidationPass, validate } from "./validate.ts";

/** A training of a network on pictures. */
export type NetworkTraining = {
  readonly engine: Engine;
  readonly network: Network;
  readonly parameters: TrainParameters;
  readonly seed: number;
  /** All tensors of the network, to start from. */
  readonly weights: NetworkWeights;
  /** The batches from a step on; they are closed when the training ends. */
  readonly batches: (fromStep: number) => BatchSource;
  /** One for each domain, where the training is validated. */
  readonly validation: readonly ValidationPass[];
  /** Where to go on; it must be of the same training. */
  readonly checkpoint?: DecodedNetworkCheckpoint | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** One step that has been done; those that train the head alone come first. */
export type NetworkStep = StepNumbers & {
  /** Copies the state; only until the next step is asked for. */
  checkpoint(): SavedState;
};

/** What a training leaves: all tensors of the network, trained or not. */
export type NetworkResult = { readonly weights: NetworkWeights; readonly summary: TrainingSummary; readonly curve: TrainingCurve };

/**
 * The training loop of networks, as docs/training.md defines it. It yields each step and gives way to the event loop about every 40 ms, also
 * within a step, as far as single operations of the engine let it.
 * @throws NonFiniteLossError, UnfitInputError, OutOfMemoryError, RangeError for a checkpoint of another training, the signal's reason.
 */
export async function* trainNetwork(training: NetworkTraining): AsyncGenerator<NetworkStep, NetworkResult, void> {
  const { engine, network, parameters, seed, weights: began, validation, signal } = training;
  const { steps, validate: validated } = parameters;
  const { trainable, headOnlySteps, dropout, keep } = withDefaults(parameters);
  const { learningRate, weightDecay = 0 } = parameters.optimiser;
  const total = headOnlySteps + steps;
  const head = new Set(parameters.head ?? network.head);
  checkKeep(parameters, validation);
  const plan = planOf(network);
  const isHeadOnly = (step: number) => trainable === "head" || step <= headOnlySteps;
  const trainedAt = (step: number) => (isHeadOnly(step) ? (name: string) => head.has(name) : () => true);
  const isTrained = (step: number) => network.tensors.filter(({ name, role }) => role === "weight" && trainedAt(step)(name));

  signal?.throwIfAborted();
  const start: NetworkCheckpoint = training.checkpoint
    ? resumed(training.checkpoint, { network, seed, began, trained: isTrained(training.checkpoint.step).map(({ name }) => name) })
    : { step: 0, seed, network: network.name, variables: new Map(), ...nothingWritten };
  await using batches = training.batches(start.step + 1);
  let model: Model = createModel(engine.kernels, network, began, {
    trains: trainedAt(Math.max(1, start.step)),
    states: start.step > 0 ? start.variables : undefined,
  });
  const keepBest = (step: number, accuracy: number): Best => ({ step, accuracy, weights: model.weights() });
  const books = openBooks(start, { total, best: keep === "best" ? keepBest : undefined });
  try {
    for (let step = start.step + 1; step <= total; step += 1) {
      if (step === headOnlySteps + 1 && step > 1 && trainable === "all") model = grown(engine, network, model);
      const batch = await batches.batch(step);
      checkLabels(batch, network);
      const adamStep = isHeadOnly(step) ? step : step - headOnlySteps;
      const options = { seed, step, adamStep, learningRate, weightDecay, dropout };
      const loss = await finishInTurns(trainStep(model, plan, network, batch, options), signal);
      const isValidated = validated && (step % validated.every === 0 || step === total);
      const accuracy = isValidated ? await validate(model, plan, network, validation, signal) : undefined;
      const numbers = books.enter(step, loss, accuracy);
      const current = model;
      const now = () => ({ step, seed, network: network.name, ...books.written, variables: statesOf(current) });
      yield { ...numbers, checkpoint: () => savedNetworkState(now(), began) };
      signal?.throwIfAborted();
    }
    const { best, curve } = books.written;
    const weights = best?.weights ?? model.weights();
    checkFinite(weights, total, learningRate);
    return { weights, summary: books.summary, curve };
  } finally {
    model[Symbol.dispose]();
  }
}

function withDefaults({ trainable, headOnlySteps, dropout, keep }: TrainParameters) {
  return {
    trainable: trainable ?? trainDefaults.trainable,
    headOnlySteps: headOnlySteps ?? trainDefaults.headOnlySteps,
    dropout: dropout ?? trainDefaults.dropout,
    keep: keep ?? trainDefaults.keep,
  };
}

function checkKeep({ keep, validate: validated }: TrainParameters, validation: readonly ValidationPass[]): void {
  if (keep === "best" && !validated) throw new UnfitInputError("parameters.validate: keeping the best weights needs validation");
  if (validated && validation.length === 0) throw new UnfitInputError("parameters.validate: there are no images to validate on");
}

/** The same weights, of which all are trained from now on: Adam begins anew. */
function grown(engine: Engine, network: Network, model: Model): Model {
  const weights = model.weights();
  model[Symbol.dispose]();
  return createModel(engine.kernels, network, weights, { trains: () => true });
}

function statesOf({ variables }: Model) {
  return new Map([...variables].map(([name, variable]) => [name, variable.state()]));
}

function checkFinite(weights: NetworkWeights, step: number, learningRate: number): void {
  for (const { dtype, data } of weights.values())
    if (dtype === "F32" && !data.every(Number.isFinite)) throw new NonFiniteLossError(step, learningRate);
}
