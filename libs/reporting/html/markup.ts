/** A piece of HTML or SVG in which everything that came from outside is escaped. */
export type Markup = { readonly markup: string };

type Value = Markup | string | number | readonly Markup[] | undefined;

/** Template of markup. Strings and numbers that are put in are escaped; markup, and lists of it, go in as they are; undefined is nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return { markup: parts.reduce((text, part, i) => `${text}${render(values[i - 1])}${part}`) };
}

/** Text as it may stand in an element or in an attribute in double quotes. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function render(value: Value): string {
  if (value === undefined) return "";
  if (typeof value === "number") return String(Math.round(value * 100) / 100);
  if (typeof value === "string") return escapeText(value);
  return "markup" in value ? value.markup : value.map((item) => item.markup).join("");
}
