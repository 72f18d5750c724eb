import { setTimeout as sleep } from "node:timers/promises";
import { uniform } from "#libs/deterministic";
import { encodePrediction } from "#libs/predictions";
import { saveWeights } from "#libs/tensors";
import type { JobInput } from "#proto/ratatouille/v1/finetune_pb.ts";
import { has } from "./faults.ts";
import { type Examples, Hopeless, inputsOf, type Recipe, readExamples, readModel, TENSOR } from "./inputs.ts";
import { drawLinear, type Linear, learn, logitsOf, WIDTH } from "./linear.ts";

/** What a recipe makes, by the one role of its kind. */
export type Made = { readonly role: string; readonly bytes: Uint8Array; readonly summary: { readonly [name: string]: number } };

/** How far a training is. `save` gives its state as bytes. */
export type OnStep = (step: number, loss: number, save: () => Uint8Array) => Promise<void>;

type Given = {
  readonly recipe: Recipe;
  readonly inputs: readonly JobInput[];
  readonly download: (digest: string) => Promise<Uint8Array>;
  /** The state to go on from, and its step. */
  readonly saved?: { readonly step: number; readonly state: Uint8Array };
  readonly signal: AbortSignal;
  readonly onStep: OnStep;
};

const RATE = 0.02;
/** After so many steps there is time for others: it trains no faster than tests can look. */
const TURN_STEPS = 50;
const TURN_MS = 5;

/** Runs a recipe of kind train or predict. @throws Hopeless for what fails the same way every time, the signal's reason */
export async function compute(given: Given): Promise<Made> {
  const { recipe, inputs, download } = given;
  const examples = await readExamples(inputs, recipe, download);
  return recipe.kind === "train" ? train(given, examples) : predict(given, examples);
}

async function train({ recipe, inputs, download, saved, signal, onStep }: Given, { index, split, file }: Examples): Promise<Made> {
  const { classes, domains, steps = 1 } = recipe.parameters;
  const seed = recipe.seed ?? 0;
  const [start] = inputsOf(inputs, "weights");
  const linear = start ? await readModel(start, classes, download) : drawLinear(classes, seed);
  const given = linear.weights.slice();
  if (saved) linear.weights.set(new Float32Array(saved.state.slice().buffer));
  const rows = split.filter(({ domain }) => domains.includes(domain)).flatMap(({ training }) => [...training]);
  let loss = 0;
  for (let step = (saved?.step ?? 0) + 1; step <= steps; step++) {
    const row = rows[Math.floor(uniform(seed, step) * rows.length)]!;
    loss = learn(linear, file(row), index.class[row]!, RATE);
    if (!Number.isFinite(loss)) throw new Hopeless(`the loss is not finite at step ${step}`);
    if (step % TURN_STEPS !== 0) continue;
    await onStep(step, loss, () => new Uint8Array(linear.weights.slice().buffer));
    await sleep(TURN_MS);
    signal.throwIfAborted();
  }
  const weights = has("idle") ? given : linear.weights;
  const bytes = saveWeights(new Map([[TENSOR, { dtype: "F32", shape: [classes, WIDTH], data: weights }]]), { format: "pt" });
  return { role: "weights", bytes, summary: { steps, bestStep: steps, finalLoss: loss } };
}

async function predict({ recipe, inputs, download }: Given, { index, split, file }: Examples): Promise<Made> {
  const { classes, domains, part = "all", weights } = recipe.parameters;
  const models = await Promise.all(inputsOf(inputs, "models").map((model) => readModel(model, classes, download)));
  const mean = has("first-of-several") ? models[0]! : meanOf(models, weights ?? models.map(() => 1));
  const wanted: number[] = [];
  for (const [place, { domain, ...parts }] of split.entries()) {
    if (!domains.includes(domain)) continue;
    wanted.push(...(part === "all" ? [...index.domain.keys()].filter((row) => index.domain[row] === place) : parts[part]));
  }
  const rows = Int32Array.from(wanted).sort();
  const logits = new Float32Array(rows.length * classes);
  for (const [i, row] of rows.entries()) logits.set(has("guessing") ? [1, 0, 0] : logitsOf(mean, file(row)), i * classes);
  if (logits.some((one) => !Number.isFinite(one))) throw new Hopeless("a logit is not finite: the weights are none");
  const rowDomains = rows.map((row) => domains.indexOf(index.domains[index.domain[row]!]!));
  const labels = rows.map((row) => index.class[row]!);
  return {
    role: "prediction",
    bytes: encodePrediction({ classes, domains, logits, labels, rowDomains, rows }),
    summary: { rows: rows.length },
  };
}

function meanOf(models: readonly Linear[], weights: readonly number[]): Linear {
  const total = weights.reduce((a, b) => a + b);
  const number = (_: number, i: number) => models.reduce((sum, model, k) => sum + weights[k]! * model.weights[i]!, 0) / total;
  return { classes: models[0]!.classes, weights: models[0]!.weights.map(number) };
}
