import { counted, excerpt, list, quote } from "#libs/text";
import { TorchFileError } from "./errors.ts";
import { type PickleDict, PickledTensor, type PickleValue, Tuple } from "./pickle/values.ts";

/** What is asked for of a file. */
export type TorchOptions = {
  /** Takes away what DataParallel and torch.compile put before all names. Default: true; not for a shard, whose names an index has. */
  readonly unwrap?: boolean;
  /** The keys that lead to the model's dict of tensors, with dots between them. Default: the only one that there is. */
  readonly part?: string | undefined;
};

/** The tensors of a model among what a file holds, and what people should hear of the choice: ends of sentences that begin with the file. */
export type StateDict = { readonly tensors: ReadonlyMap<string, PickledTensor>; readonly notes: readonly string[] };

/** How deep checkpoints put a state dict; deeper ones are not looked for. */
const DEEPEST = 8;
/** Dicts that are looked at: of anything that was trained there are a few. */
const MOST_DICTS = 100_000;
/** What wrappers of a model put before all names: DataParallel, torch.compile. */
const WRAPPERS = ["module.", "_orig_mod."];
/** What is kept to go on with training, and has tensors in the shapes of the model's. */
const TRAINING =
  /^(optim|optimi[sz]ers?|scheduler|lr_schedulers?|scaler|grad_scaler|amp|rng|rng_state|callbacks|loops)(_states?|_state_dict)?$/i;

/** Names in a sentence. */
const MOST_NAMED = 6;

/** A dict with tensors in it, and the keys that lead to it. */
type Candidate = { readonly path: readonly string[]; readonly dict: PickleDict; readonly tensors: ReadonlyMap<string, PickledTensor> };

/**
 * Finds the one dict of tensors that is a model: the object itself, or one inside of it such as `checkpoint["state_dict"]`; what optimisers keep
 * does not count. @throws TorchFileError (no-tensors, ambiguous)
 */
export function findStateDict(value: PickleValue, { unwrap: isWrapped = true, part }: TorchOptions = {}): StateDict {
  const chosen = choose(candidatesIn(value), value, part);
  const { path, dict } = chosen;
  const unwrapped = isWrapped ? unwrap(chosen.tensors) : { tensors: chosen.tensors, prefixes: [] };
  const others = value instanceof Map ? [...value.keys()].filter((key) => key !== path[0]) : [];
  const beside = others.length > 0 ? `; beside it ${others.length === 1 ? "is" : "are"} ${few(others.map(keyText))}` : "";
  const left = [...dict].filter(([, item]) => !(item instanceof PickledTensor)).map(([key]) => key);
  return {
    tensors: unwrapped.tensors,
    notes: [
      ...(path.length === 0 ? [] : [`the tensors of ${nameOf(path)} are taken${beside}`]),
      ...(left.length === 0
        ? []
        : [`${few(left.map(keyText))} in it ${left.length === 1 ? "is no tensor" : "are no tensors"}, and left out`]),
      ...unwrapped.prefixes.map(
        (prefix) => `all names begin with ${quote(prefix)}, which a wrapper has put there, and are taken without it`,
      ),
    ],
  };
}

function choose(all: readonly Candidate[], value: PickleValue, part: string | undefined): Candidate {
  if (part !== undefined) {
    const named = all.find(({ path }) => path.join(".") === part);
    if (named !== undefined) return named;
    throw new TorchFileError("no-tensors", `it holds no dict of tensors ${quote(part)}${all.length > 0 ? `, but ${namesOf(all)}` : ""}`);
  }
  // Counters and rates beside the model's dict are no model.
  const many = all.filter(({ tensors }) => [...tensors.values()].some(({ shape }) => shape.length > 0));
  const candidates = many.length > 0 ? many : all;
  const [chosen] = candidates;
  if (chosen === undefined) throw new TorchFileError("no-tensors", `it holds ${kindOf(value)}, and no dict of tensors by their names`);
  if (candidates.length === 1) return chosen;
  const example = candidates.find(({ path }) => path.length > 0)!.path.join(".");
  throw new TorchFileError(
    "ambiguous",
    `it holds several dicts of tensors, and which of them is the model nobody says: ${namesOf(candidates)}; say it behind the file's name, such as #${excerpt(example)}`,
  );
}

function candidatesIn(value: PickleValue): Candidate[] {
  const candidates: Candidate[] = [];
  const seen = new Set<PickleDict>();
  let open: { path: readonly string[]; value: PickleValue }[] = [{ path: [], value }];
  for (let depth = 0; depth < DEEPEST && open.length > 0; depth++) {
    const next: typeof open = [];
    for (const { path, value: dict } of open) {
      if (!(dict instanceof Map) || seen.has(dict) || isOptimiser(dict)) continue;
      if (seen.size >= MOST_DICTS) throw new TorchFileError("limit", `it holds more than ${MOST_DICTS} dicts`);
      seen.add(dict);
      const tensors = new Map<string, PickledTensor>();
      for (const [key, item] of dict) {
        if (typeof key !== "string" || TRAINING.test(key)) continue;
        if (item instanceof PickledTensor) tensors.set(key, item);
        else if (item instanceof Map) next.push({ path: [...path, key], value: item });
      }
      if (tensors.size > 0) candidates.push({ path, dict, tensors });
    }
    open = next;
  }
  return candidates;
}

/** As torch.optim has it, whatever the key is called. */
function isOptimiser(dict: PickleDict): boolean {
  return dict.has("param_groups") && dict.has("state");
}

function unwrap(tensors: ReadonlyMap<string, PickledTensor>): { tensors: ReadonlyMap<string, PickledTensor>; prefixes: string[] } {
  const prefixes: string[] = [];
  let names = [...tensors.keys()];
  for (let prefix = commonPrefix(names); prefix !== undefined; prefix = commonPrefix(names)) {
    const { length } = prefix;
    prefixes.push(prefix);
    names = names.map((name) => name.slice(length));
  }
  const values = [...tensors.values()];
  return { tensors: new Map(names.map((name, i) => [name, values[i]!])), prefixes };
}

function commonPrefix(names: readonly string[]): string | undefined {
  return WRAPPERS.find((prefix) => names.every((name) => name.startsWith(prefix) && name.length > prefix.length));
}

function namesOf(candidates: readonly Candidate[]): string {
  return few(candidates.map(({ path, tensors }) => `${nameOf(path)} (${counted(tensors.size, "tensor")})`));
}

function nameOf(path: readonly string[]): string {
  return path.length === 0 ? "the outermost dict" : path.map((key) => quote(key)).join(".");
}

/** A key of any dict; what is no text or number is not looked into, as it may be made to never end. */
function keyText(key: PickleValue): string {
  if (typeof key === "string") return quote(key);
  return typeof key === "number" || typeof key === "bigint" ? String(key) : "a key that is no text";
}

function few(names: readonly string[]): string {
  return list(names.length <= MOST_NAMED ? names : [...names.slice(0, MOST_NAMED - 1), `${names.length - MOST_NAMED + 1} more`]);
}

function kindOf(value: PickleValue): string {
  if (value instanceof PickledTensor) return "one tensor without a name";
  if (value instanceof Map) return value.size === 0 ? "an empty dict" : "a dict";
  return Array.isArray(value) || value instanceof Tuple ? "a list" : "a plain value";
}
