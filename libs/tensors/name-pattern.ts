/**
 * Whether a name of a tensor is one that a pattern means: `*` stands for any characters, also none, `?` for one, all others for themselves.
 * Time: at most the product of both lengths.
 * @example
 * ```ts
 * matchesName("layer?.*.weight", "layer4.1.conv2.weight"); // true
 * matchesName("layer?.*.weight", "layer4.1.bn2.bias"); // false
 * matchesName("fc*", "fc"); // true
 * ```
 */
export function matchesName(pattern: string, name: string): boolean {
  let [p, n] = [0, 0];
  /** Where the last star is, and how much it has swallowed so far. */
  let star = -1;
  let swallowed = 0;
  while (n < name.length) {
    if (pattern[p] === "*") {
      star = p++;
      swallowed = n;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++swallowed;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
