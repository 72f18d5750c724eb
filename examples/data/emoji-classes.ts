/** Classes of emoji, each with the subcategories of Unicode that it has, as `emoji-datasource` spells them. The first that fits counts. */
const classes: { readonly [name: string]: RegExp } = {
  face: /^(face-.*|cat-face|monkey-face)$/,
  hand: /^(hand-.*|hands|body-parts)$/,
  person: /^person.*$/,
  mammal: /^animal-mammal$/,
  animal: /^animal-(bird|bug|marine|reptile|amphibian)$/,
  plant: /^(plant-.*|food-fruit|food-vegetable)$/,
  food: /^(food-prepared|food-asian|food-sweet|drink|dishware)$/,
  vehicle: /^transport-(ground|air|water)$/,
  place: /^(place-.*|hotel)$/,
  sky: /^(sky & weather|time)$/,
  clothing: /^clothing$/,
  tool: /^(tool|office|household|science|medical|writing|book-paper|mail|money|lock)$/,
  device: /^(computer|phone|light & video|music|musical-instrument|sound)$/,
  sport: /^(sport|game|event|award-medal|arts & crafts)$/,
  heart: /^(heart|emotion)$/,
  sign: /^(arrow|av-symbol|warning|transport-sign|zodiac|alphanum|religion|other-symbol|geometric|keycap|math|punctuation)$/,
};

/** An emoji, as `emoji.json` of `emoji-datasource` has it. */
export type Emoji = { readonly unified: string; readonly subcategory: string };

/** The class of an emoji; undefined for flags and others that have none. People who are joined of several signs look alike in all classes. */
export function emojiClass({ unified, subcategory }: Emoji): string | undefined {
  const found = Object.keys(classes).find((name) => classes[name]!.test(subcategory));
  return found === "person" && unified.includes("200D") ? undefined : found;
}
