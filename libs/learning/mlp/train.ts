import { finishInTurns, giveWay } from "#libs/concurrency";
import type { TrainingCurve, TrainingParameters, TrainingSummary } from "#libs/recipes";
import { NonFiniteLossError } from "../errors.ts";
import type { Checkpoint } from "./checkpoint.ts";
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
export type TrainStep = {
  /** From 1. */
  readonly step: number;
  /** Mean loss of the batch, before the update. */
  readonly loss: number;
  /** Present where the step was followed by a validation. */
  readonly validationAccuracy?: number;
  /** The best validation accuracy so far. */
  readonly bestAccuracy?: number;
  /** Copies the state; only until the next step is asked for. */
  checkpoint(): Checkpoint;
};

/** What a training leaves: all tensors of the network, trained or not. */
export type TrainResult = { readonly weights: Weights; readonly summary: TrainingSummary; readonly curve: TrainingCurve };

/** Steps between entries of the loss curve. */
const CURVE_STEPS = 25;

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

  const curve = { loss: [...start.curve.loss], validation: [...start.curve.validation] };
  let pending = start.pending;
  let best = start.best;
  let bestAccuracy = curve.validation.reduce<number | undefined>((most, { accuracy }) => Math.max(most ?? 0, accuracy), undefined);
  for (let step = start.step + 1; step <= steps; step += 1) {
    const loss = stepper.step(step);
    if (!Number.isFinite(loss)) throw new NonFiniteLossError(step, learningRate);
    pending = { sum: pending.sum + loss, count: pending.count + 1 };
    if (step % CURVE_STEPS === 0 || step === steps) {
      curve.loss.push({ step, loss: pending.sum / pending.count });
      pending = { sum: 0, count: 0 };
    }
    let accuracy: number | undefined;
    if (validate && (step % validateEvery === 0 || step === steps)) {
      accuracy = validate();
      curve.validation.push({ step, accuracy });
      bestAccuracy = Math.max(bestAccuracy ?? 0, accuracy);
      // Only what is better replaces the best, so that of equals the earliest stays.
      if (keep === "best" && (best === undefined || accuracy > best.accuracy)) {
        best = { step, accuracy, parameters: stepper.state().parameters.slice() };
      }
    }
    yield {
      step,
      loss,
      ...(accuracy === undefined ? {} : { validationAccuracy: accuracy }),
      ...(bestAccuracy === undefined ? {} : { bestAccuracy }),
      checkpoint: () => ({
        step,
        seed,
        state: copied(stepper.state()),
        ...(best ? { best } : {}),
        curve: { loss: [...curve.loss], validation: [...curve.validation] },
        pending,
      }),
    };
    await giveWay();
    signal?.throwIfAborted();
  }

  const kept = best?.parameters ?? stepper.state().parameters;
  if (!kept.every(Number.isFinite)) throw new NonFiniteLossError(steps, learningRate);
  const accuracy = best?.accuracy ?? curve.validation.at(-1)?.accuracy;
  return {
    weights: new Map([...weightsOf(prepared.network.layers, weights), ...unflatten(kept, layout)]),
    summary: {
      steps,
      bestStep: best?.step ?? steps,
      ...(accuracy === undefined ? {} : { validationAccuracy: accuracy }),
      finalLoss: curve.loss.at(-1)?.loss ?? 0,
    },
    curve,
  };
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
    curve: { loss: [], validation: [] },
    pending: { sum: 0, count: 0 },
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
