import { arithmetics, backends, canonicalRecipe, digestOf, parseRecipe, type Recipe, RecipeError, recipeKey } from "#libs/recipes";
import { invalidArgument } from "#libs/rpc";
import type { JobRecord } from "./job.ts";

/** What a run asks for. */
export type Submission = {
  readonly recipe: string;
  readonly label: string;
  readonly runId: string;
  readonly reproduce: boolean;
};

/** Recipes that a trainer can run. */
const trainable: readonly Recipe["kind"][] = ["dataset", "pretrain", "probe", "fine-tune"];

/** The job that a submission asks for, new and queued. @throws RpcError INVALID_ARGUMENT (RECIPE_INVALID) */
export function jobOf({ recipe: text, label, runId, reproduce }: Submission, atMs: number): { job: JobRecord; recipe: Recipe } {
  const recipe = checkedRecipe(text);
  const id = jobId(recipe, reproduce ? runId : undefined);
  return { job: newJob({ id, recipe, label, reproduce, atMs }), recipe };
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
    return recipe;
  } catch (error) {
    if (!(error instanceof RecipeError)) throw error;
    const violations = [{ field: `recipe.${error.field}`, description: error.message }];
    throw invalidArgument(`recipe.${error.message}`, { reason: "RECIPE_INVALID", violations, cause: error });
  }
}

type NewJob = Pick<JobRecord, "id" | "label" | "reproduce"> & { readonly recipe: Recipe; readonly atMs: number };

function newJob({ id, recipe, label, reproduce, atMs }: NewJob): JobRecord {
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
    // Both backends that recipes can ask for run on a CPU.
    device: "cpu",
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
