/** What a run may be called, for messages. */
export const runNameRule = "1 to 60 letters, digits, '.', '_' and '-', the first a letter or a digit";

/**
 * Whether a run may be called so. A run's name is the first word of the refs of its models and the name of a folder, so it has the form
 * of a word in a ref.
 */
export function isRunName(name: string): boolean {
  return /^[A-Za-z0-9][\w.-]{0,59}$/.test(name);
}
