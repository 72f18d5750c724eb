import { type Recipe, RecipeError, type TrainingParameters } from "#libs/recipes";

const MOST_LAYERS = 100;
const MOST_STEPS = 1_000_000_000;
const MOST_CLASSES = 10_000;
const MOST_DATASETS = 1000;

/**
 * What memory does not bound, but the patience of whoever waits for a trainer.
 * @throws RecipeError naming the first field beyond its limit
 */
export function checkLimits({ parameters, inputs }: Recipe): void {
  const { classes = 1, hidden = [], steps = 1 } = parameters as Partial<TrainingParameters>;
  within("parameters.classes", classes, MOST_CLASSES);
  within("parameters.hidden", hidden.length, MOST_LAYERS, "layers");
  within("parameters.steps", steps, MOST_STEPS);
  within("inputs.datasets", [inputs["datasets"] ?? []].flat().length, MOST_DATASETS, "data sets");
}

function within(field: string, value: number, most: number, what = ""): void {
  if (value > most) throw new RecipeError(field, `${value}${what && ` ${what}`} are too many; at most ${most} are possible`);
}
