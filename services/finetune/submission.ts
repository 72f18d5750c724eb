import { arithmetics, backends, canonicalRecipe, digestOf, parseRecipe, type Recipe, RecipeError, recipeKey } from "#libs/recipes";
import { invalidArgument, type RpcError } from "#libs/rpc";
import { quote } from "#libs/text";
import { devices, type Needs } from "#libs/topics";
import type { JobRecord } from "./job.ts";
import { estimateNeeds, unfit } from "./needs.ts";
import { checkLimits } from "./recipe-limits.ts";

/** What a run asks for. */
export type Submission = {
  readonly recipe: string;
  readonly label: string;
  readonly runId: string;
  readonly reproduce: boolean;
  /** By default what the recipe says. */
  readonly needs?: Needs | undefined;
};

/** Recipes that a trainer can run. */
const trainable: readonly Recipe["kind"][] = ["dataset", "pretrain", "probe", "fine-tune"];

/** The job that a submission asks for, new and queued. @throws RpcError INVALID_ARGUMENT (RECIPE_INVALID, NEEDS_INVALID) */
export function jobOf(submission: Submission, atMs: number): { job: JobRecord; recipe: Recipe } {
  const { label, runId, reproduce } = submission;
  const recipe = checkedRecipe(submission.recipe);
  const needs = checkedNeeds(recipe, submission.needs);
  const id = jobId(recipe, reproduce ? runId : undefined);
  return { job: newJob({ id, recipe, needs, label, reproduce, atMs }), recipe };
}

/** What a job needs, where some trainer can have that. */
function checkedNeeds(recipe: Recipe, asked: Needs | undefined): Needs {
  const estimate = estimateNeeds(recipe);
  if (!asked) {
    const problem = unfit(estimate.needs);
    if (problem !== undefined) throw invalidNeeds(estimate.field, `asks for too much: ${problem}`);
    return estimate.needs;
  }
  if (!devices.includes(asked.device)) throw invalidNeeds("needs.device", `expected ${devices.join(" or ")}, got ${quote(asked.device)}`);
  if (!/^[a-z0-9-]{1,64}$/.test(asked.backend)) throw invalidNeeds("needs.backend", `"${asked.backend}" is no name of a backend`);
  const { backend } = estimate.needs;
  // With another one it would be refused by every trainer that takes it. A data set is drawn by any.
  if (recipe.arithmetic !== undefined && asked.backend !== backend)
    throw invalidNeeds("needs.backend", `the recipe's arithmetic is that of ${backend}, not of ${asked.backend}`);
  const problem = unfit(asked);
  if (problem !== undefined) throw invalidNeeds("needs.memory_mib", problem);
  return asked;
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

function checkedRecipe(text: string): Recipe {
  try {
    const recipe = parseRecipe(text);
    if (!trainable.includes(recipe.kind)) throw new RecipeError("kind", `a trainer runs ${trainable.join(", ")}, not ${recipe.kind}`);
    if (recipe.arithmetic !== undefined && !backends.some((backend) => arithmetics[backend] === recipe.arithmetic)) {
      throw new RecipeError("arithmetic", `no backend here computes ${recipe.arithmetic}`);
    }
    checkLimits(recipe);
    return recipe;
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
    checkpoint: "",
    checkpointStep: 0,
    pinned: false,
    artifact: "",
    error: "",
    startedAtMs: 0,
    finishedAtMs: 0,
    cpuMs: 0,
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
    failures: 0,
    losses: 0,
    submittedAtMs: atMs,
    ...nothingYet,
  };
}
