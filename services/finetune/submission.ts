import { canonicalRecipe, digestOf, isApproximate, parseRecipe, type Recipe, RecipeError, recipeKey } from "#libs/recipes";
import { invalidArgument, type RpcError } from "#libs/rpc";
import { quote } from "#libs/text";
import { devices, isEngineName, type Needs } from "#libs/topics";
import { type JobRecord, noCheckpoint } from "./job.ts";
import { estimateNeeds, exactEngine, trainable } from "./needs/estimate.ts";
import { checkLimits } from "./recipe-limits.ts";

/** What a run asks for. */
export type Submission = {
  readonly recipe: string;
  readonly label: string;
  readonly runId: string;
  readonly reproduce: boolean;
  /** What is not said is estimated from the recipe. */
  readonly needs?: Partial<Needs> | undefined;
};

/** The job that a submission asks for, new and queued. @param weightsBytes see estimateNeeds. @throws RpcError INVALID_ARGUMENT (RECIPE_INVALID, NEEDS_INVALID) */
export function jobOf(submission: Submission, atMs: number, weightsBytes = 0): { job: JobRecord; recipe: Recipe } {
  const { label, runId, reproduce } = submission;
  const { recipe, needs } = checked(submission, weightsBytes);
  const id = jobId(recipe, reproduce ? runId : undefined);
  return { job: newJob({ id, recipe, needs, label, reproduce, atMs }), recipe };
}

/** Each is a queue on which the job waits. */
const MOST_BACKENDS = 10;
/** No machine has so much. */
const MOST_MIB = 2 ** 24;

/** What a job needs: what was asked for, as far as it fits the recipe, and the rest estimated. */
function checkedNeeds(recipe: Recipe, asked: Partial<Needs>, weightsBytes: number): Needs {
  const { device, backends = [], network } = asked;
  if (device !== undefined && !devices.includes(device))
    throw invalidNeeds("needs.device", `expected ${devices.join(" or ")}, got ${quote(device)}`);
  const engines = [
    ...(asked.backend === undefined ? [] : [["needs.backend", asked.backend] as const]),
    ...backends.map((name, i) => [`needs.backends[${i}]`, name] as const),
  ];
  for (const [field, name] of engines) if (!isEngineName(name)) throw invalidNeeds(field, `${quote(name)} is no name of an engine`);
  if (backends.length > MOST_BACKENDS) throw invalidNeeds("needs.backends", `expected at most ${MOST_BACKENDS}, got ${backends.length}`);
  if (new Set(backends).size < backends.length) throw invalidNeeds("needs.backends", "names an engine twice");
  if (backends.length > 0 && asked.backend !== undefined && asked.backend !== backends[0])
    throw invalidNeeds(
      "needs.backend",
      `expected the first of needs.backends, ${quote(backends[0]!)}, or nothing; got ${quote(asked.backend)}`,
    );
  if (network !== undefined && !/^[\w.-]{1,100}$/.test(network))
    throw invalidNeeds("needs.network", `${quote(network)} is no name of a network`);
  const exact = exactEngine(recipe);
  // With another one it would be refused by every trainer that takes it. A data set is drawn by any.
  for (const [field, name] of engines)
    if (exact !== undefined && name !== exact) throw invalidNeeds(field, `the recipe's arithmetic is that of ${exact}, not of ${name}`);
  const { needs, field } = estimateNeeds(recipe, asked, weightsBytes);
  for (const [name, asks, mib] of [
    ["needs.memory_mib", asked.memoryMib, needs.memoryMib],
    ["needs.accelerator_memory_mib", asked.acceleratorMemoryMib, needs.acceleratorMemoryMib],
  ] as const)
    if (mib > MOST_MIB)
      throw invalidNeeds(asks === undefined ? field : name, `asks for ${mib} MiB, and no machine has more than ${MOST_MIB}`);
  return needs;
}

function invalidNeeds(field: string, description: string): RpcError {
  return invalidArgument(`${field}: ${description}`, { reason: "NEEDS_INVALID", violations: [{ field, description }] });
}

/** A reproduction is a job of its own for each run that wants one. */
function jobId(recipe: Recipe, reproducedFor: string | undefined): string {
  const short = (digest: string, digits: number) => digest.slice("sha256:".length, "sha256:".length + digits);
  const id = `job-${short(recipeKey(recipe), 16)}`;
  return reproducedFor === undefined ? id : `${id}-r${short(digestOf(new TextEncoder().encode(reproducedFor)), 8)}`;
}

/** The recipe of a submission and what it needs, where a trainer could run it. */
function checked({ recipe: text, needs = {} }: Submission, weightsBytes: number): { recipe: Recipe; needs: Needs } {
  try {
    const recipe = parseRecipe(text);
    if (!trainable.includes(recipe.kind)) throw new RecipeError("kind", `a trainer runs ${trainable.join(", ")}, not ${recipe.kind}`);
    if (recipe.arithmetic !== undefined && !isApproximate(recipe.arithmetic) && exactEngine(recipe) === undefined) {
      throw new RecipeError("arithmetic", `no backend here computes ${recipe.arithmetic}`);
    }
    checkLimits(recipe);
    return { recipe, needs: checkedNeeds(recipe, needs, weightsBytes) };
  } catch (error) {
    if (!(error instanceof RecipeError)) throw error;
    const violations = [{ field: `recipe.${error.field}`, description: error.message }];
    throw invalidArgument(`recipe.${error.message}`, { reason: "RECIPE_INVALID", violations, cause: error });
  }
}

type NewJob = Pick<JobRecord, "id" | "needs" | "label" | "reproduce"> & { readonly recipe: Recipe; readonly atMs: number };

function newJob({ id, recipe, needs, label, reproduce, atMs }: NewJob): JobRecord {
  const nothingYet = {
    trainer: "",
    ...noCheckpoint,
    pinned: false,
    artifact: "",
    summary: "",
    error: "",
    startedAtMs: 0,
    finishedAtMs: 0,
    cpuMs: 0,
    usage: "",
  };
  return {
    id,
    recipeKey: recipeKey(recipe),
    recipe: canonicalRecipe(recipe),
    needs,
    label,
    reproduce,
    state: "queued",
    attempt: 0,
    live: [],
    failures: 0,
    losses: 0,
    submittedAtMs: atMs,
    ...nothingYet,
  };
}
