import { open } from "node:fs/promises";
import type { ModelFiles, TensorPlace } from "#libs/models";
import type { Json } from "#libs/recipes";

/** Models whose heads are all of one kind. */
export type SettledHeads = {
  /** In the order in which they came. */
  readonly models: readonly ModelFiles[];
  /** Whether the head of the result is its embedding; left out where there is nothing to say. */
  readonly tied?: boolean;
  /** What was settled, one sentence each. */
  readonly notes: readonly string[];
};

const HEAD = /(^|\.)(lm_head|embed_out)\.weight$/;
const EMBEDDING = /(^|\.)(embed_tokens|wte|word_embeddings|embed_in|shared)\.weight$/;
const CHUNK = 1 << 20;

/**
 * Models with a tied head, which is their embedding and mostly not stored, beside others: the embedding counts as their head where one of the
 * others has a head of its own, and the result has one too; a stored head that is a copy of the embedding is left out where all are tied.
 * The order of the models makes no difference. Reads the weights only of heads that may be copies.
 */
export async function settleHeads(all: readonly ModelFiles[], exclude: ReadonlySet<string> = new Set()): Promise<SettledHeads> {
  const whole = all.filter(({ kind }) => kind !== "adapter");
  const names = new Set(whole.flatMap(({ tensors }) => [...tensors.keys()].filter((name) => HEAD.test(name) && !exclude.has(name))));
  const [head] = names;
  if (head === undefined || names.size > 1) return { models: all, notes: [] };
  const having = whole.filter(({ tensors }) => tensors.has(head));
  const lacking = whole.filter(({ tensors }) => !tensors.has(head));
  if (lacking.length === 0) {
    const said = new Set(whole.map(tiedBy).filter((tied) => tied !== undefined));
    if (said.size < 2) return { models: all, notes: [] };
    return { models: all, tied: false, notes: [untiedSentence(whole.filter((model) => tiedBy(model) === true))] };
  }
  const shape = having[0]!.tensors.get(head)!.shape.join();
  if (!lacking.every((model) => isTied(model) && embeddingOf(model, shape) !== undefined)) return { models: all, notes: [] };
  const copies = await Promise.all(having.map((model) => isCopy(model, head)));
  if (copies.every((copy) => copy)) {
    const models = all.map((model) => (having.includes(model) ? { ...model, tensors: without(model.tensors, head) } : model));
    return {
      models,
      tied: true,
      notes: [`${head} of ${namesOf(having)} is a copy of the embedding, and is left out: all models are tied.`],
    };
  }
  const models = all.map((model) =>
    lacking.includes(model) ? { ...model, tensors: new Map([...model.tensors, [head, embeddingOf(model, shape)!]]) } : model,
  );
  return { models, tied: false, notes: [untiedSentence(lacking)] };
}

function untiedSentence(tied: readonly ModelFiles[]): string {
  return `the head of ${namesOf(tied)} is the embedding, and others have their own: the result has one of its own (tie_word_embeddings: false).`;
}

/** What config.json says, at its top or in the part of the language model. */
function tiedBy({ config }: ModelFiles): boolean | undefined {
  const parts = ["text_config", "language_config", "llm_config", "decoder"].map((name) => config?.[name]);
  for (const part of [config, ...parts] as (Json | undefined)[]) {
    const tied =
      typeof part === "object" && part !== null && !Array.isArray(part)
        ? (part as { [name: string]: Json })["tie_word_embeddings"]
        : undefined;
    if (typeof tied === "boolean") return tied;
  }
  return undefined;
}

/** A model without a stored head is tied where it says so, or is one that generates and says nothing, as its library's default. */
function isTied(model: ModelFiles): boolean {
  const tied = tiedBy(model);
  const classes = model.config?.["architectures"];
  return tied ?? (Array.isArray(classes) && classes.some((name) => /For(CausalLM|ConditionalGeneration)$|LMHeadModel$/.test(String(name))));
}

function embeddingOf({ tensors }: ModelFiles, shape: string): TensorPlace | undefined {
  const found = [...tensors].filter(([name, place]) => EMBEDDING.test(name) && place.shape.join() === shape);
  return found.toSorted(([a], [b]) => a.length - b.length)[0]?.[1];
}

/** Whether a stored head has the bytes of the embedding, in a model that does not say that its head is its own. */
async function isCopy(model: ModelFiles, name: string): Promise<boolean> {
  const head = model.tensors.get(name)!;
  const embedding = embeddingOf(model, head.shape.join());
  if (tiedBy(model) === false || embedding === undefined || embedding.dtype !== head.dtype) return false;
  await using a = await open(model.files[head.file]!.path);
  await using b = await open(model.files[embedding.file]!.path);
  const [left, right] = [Buffer.alloc(CHUNK), Buffer.alloc(CHUNK)];
  for (let done = 0; done < head.length; done += CHUNK) {
    const length = Math.min(CHUNK, head.length - done);
    await a.read(left, 0, length, head.offset + done);
    await b.read(right, 0, length, embedding.offset + done);
    if (!left.subarray(0, length).equals(right.subarray(0, length))) return false;
  }
  return true;
}

function without(tensors: ModelFiles["tensors"], name: string): ModelFiles["tensors"] {
  return new Map([...tensors].filter(([one]) => one !== name));
}

function namesOf(models: readonly ModelFiles[]): string {
  return models.map(({ name }) => name).join(", ");
}
