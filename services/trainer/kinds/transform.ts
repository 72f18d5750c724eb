import { isFixed, PRESET_NAMES, presetOf } from "#libs/images";
import { RecipeError } from "#libs/recipes";
import { didYouMean, quote } from "#libs/text";

/** Refuses a transform of pictures that this trainer does not have. @throws RecipeError naming the field */
export function checkTransform(field: string, name: string | undefined): asserts name is string {
  const known: readonly string[] = PRESET_NAMES;
  if (name === undefined)
    throw new RecipeError(field, "is missing: this trainer has networks for images, which have one, and none for records");
  if (known.includes(name)) return;
  throw new RecipeError(field, `${quote(name)} is no transform: ${didYouMean(name, known, `there are ${known.join(", ")}`)}`);
}

/** Refuses one that draws at random too, where there is no seed to draw by. @throws RecipeError naming the field */
export function checkFixedTransform(field: string, name: string | undefined): asserts name is string {
  checkTransform(field, name);
  const draws = (preset: string) => !presetOf(preset).every(isFixed);
  if (!draws(name)) return;
  const fixed = PRESET_NAMES.filter((preset) => !draws(preset));
  throw new RecipeError(field, `${name} draws at random, and a prediction has no seed; expected one of ${fixed.join(", ")}`);
}
