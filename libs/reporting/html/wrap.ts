/** Breaks a text into at most two lines of so many characters, at " · " or at a space where that is possible. What is left over is cut with "…". */
export function wrapLabel(text: string, characters: number): readonly string[] {
  if (text.length <= characters) return [text];
  const dot = text.lastIndexOf(" · ", characters);
  const space = text.lastIndexOf(" ", characters);
  const [end, next] = dot > 0 ? [dot, dot + 3] : space > 0 ? [space, space + 1] : [characters, characters];
  const rest = text.slice(next);
  return [text.slice(0, end), rest.length <= characters ? rest : `${rest.slice(0, characters - 1)}…`];
}
