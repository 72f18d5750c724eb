/** The licences of everything that went into an artifact: the union over its inputs, sorted. */
export function foldLicences(inputs: Iterable<readonly string[]>): string[] {
  return [...new Set([...inputs].flat())].sort();
}

/** An SPDX expression that names them all. All of them apply, so they are joined by AND. */
export function joinLicences(licences: readonly string[]): string {
  return foldLicences([licences]).join(" AND ");
}

/** The licences that `joinLicences` joined. */
export function splitLicences(expression: string): string[] {
  return expression === "" ? [] : expression.split(" AND ");
}
