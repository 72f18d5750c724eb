import { finishInTurns, giveWay } from "#libs/concurrency";
import type { TrainingCurve, TrainingParameters, TrainingSummary } from "#libs/recipes";
import { nothingWritten, openBooks, type StepNumbers } from "../books.ts";
import { NonFiniteLossError } from "../errors.ts";
import type { Best, Checkpoint } from "./checkpoint.ts";
import { unflatten, type Weights } from "./layout.ts";
import type { Backend } from "./matrix.ts";
import { type LabelledData, prepare } from "./prepare.ts";
import { createStepper, type State } from "./stepper.ts";
import { createValidation } from "./validation.ts";

/** A training: weights with PyTorch's names go in, for `train: "head"` too all of them. */
export type Training = {
  readonly backend: Backend;
  readonly parameters: TrainingParameters;
  readonly seed: number;
  readonly weights: Weights;
  readonly datasets: readonly LabelledData[];
  /** Where to go on; it must be of the same training. */
  readonly checkpoint?: Checkpoint | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** One step that has been done. */
export type TrainStep = StepNumbers & {
  /** Copies the state; only until the next step is asked for. */
  checkpoint(): Checkpoint;
};

/** What a training leaves: all tensors of the network, trained or not. */
export type TrainResult = { readonly weights: Weights; readonly summary: TrainingSummary; readonly curve: TrainingCurve };

/**
 * The training loop. It yields each step and gives way to the event loop about every 40 ms.
 * The result is a function of the parameters, the seed, the weights, the data and the backend's arithmetic, however often it was stopped
 * and resumed.
 * @throws NonFiniteLossError, UnfitInputError, RangeError for a checkpoint of another training, the signal's reason.
 * @example
 * ```ts
 * const weights = initialWeights({ features: 2, hidden: [], classes: 2, initSeed: 1 });
 * const data = { images: Float32Array.of(1, 0, 0, 1), labels: Int32Array.of(0, 1), count: 2, features: 2, classes: 2 };
 * const network = { architecture: "mlp", hidden: [], classes: 2, train: "all", keep: "last", validationFraction: 0, validateEvery: 0 };
 * const parameters = { ...network, steps: 100, batch: 4, learningRate: 0.1, weightDecay: 0, dropout: 0 };
 * const training = trainMlp({ backend: await openBackend("cpu"), parameters, seed: 7, weights, datasets: [data] });
 * let step = await training.next();
 * while (!step.done) step = await training.next();
 * const logits = predict(await openBackend("cpu"), step.value.weights, data.images);
 * predictions(logits, 2); // data.labels
 * ```
 */
export async function* trainMlp(training: Training): AsyncGenerator<TrainStep, TrainResult, void> {
  const { backend, parameters, seed, weights, datasets, checkpoint, signal } = training;
  const { steps, keep, validateEvery, learningRate } = parameters;
  signal?.throwIfAborted();
  const prepared = await finishInTurns(prepare(backend, parameters, weights, datasets), signal);
  const { layout } = prepared;
  using workspace = backend.workspace();
  const start = checkpoint ? resumed(checkpoint, seed, layout.size) : begun(prepared.parameters);
  const stepper = createStepper(workspace, layout, start.state, { ...parameters, datasets: prepared.training, seed });
  const validate = validateEvery > 0 ? createValidation(workspace, stepper.network, prepared.validation) : undefined;

  const keepBest = (step: number, accuracy: number): Best => ({ step, accuracy, parameters: stepper.state().parameters.slice() });
  const books = openBooks(start, { total: steps, best: keep === "best" ? keepBest : undefined });
  for (let step = start.step + 1; step <= steps; step += 1) {
    const loss = stepper.step(step);
    if (!Number.isFinite(loss)) throw new NonFiniteLossError(step, learningRate);
    const isValidated = validate && (step % validateEvery === 0 || step === steps);
    const numbers = books.enter(step, loss, isValidated ? validate() : undefined);
    yield { ...numbers, checkpoint: () => ({ step, seed, state: copied(stepper.state()), ...books.written }) };
    await giveWay();
    signal?.throwIfAborted();
  }

  const { best, curve } = books.written;
  const kept = best?.parameters ?? stepper.state().parameters;
  if (!kept.every(Number.isFinite)) throw new NonFiniteLossError(steps, learningRate);
  const all = new Map([...weightsOf(prepared.network.layers, weights), ...unflatten(kept, layout)]);
  return { weights: all, summary: books.summary, curve };
}

/** The tensors of the network in its order, without others that the weights may have. */
function weightsOf(layers: readonly { name: string }[], weights: Weights): Weights {
  const names = layers.flatMap(({ name }) => [`${name}.weight`, `${name}.bias`]);
  return new Map(names.flatMap((name) => (weights.has(name) ? [[name, weights.get(name)!] as const] : [])));
}

function begun(parameters: Float32Array): Checkpoint {
  const zeros = () => new Float32Array(parameters.length);
  return {
    step: 0,
    seed: 0,
    state: { parameters, firstMoment: zeros(), secondMoment: zeros() },
    ...nothingWritten,
  };
}

function resumed(checkpoint: Checkpoint, seed: number, size: number): Checkpoint {
  const sizes = [...Object.values(checkpoint.state), ...(checkpoint.best ? [checkpoint.best.parameters] : [])].map(({ length }) => length);
  if (checkpoint.seed !== seed || sizes.some((length) => length !== size)) {
    throw new RangeError(
      `The checkpoint belongs to another training: seed ${checkpoint.seed} and ${sizes[0]} parameters, not ${seed} and ${size}`,
    );
  }
  return checkpoint;
}

function copied({ parameters, firstMoment, secondMoment }: State): State {
  return { parameters: parameters.slice(), firstMoment: firstMoment.slice(), secondMoment: secondMoment.slice() };
}
