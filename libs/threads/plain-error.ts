/** An error on its way from one thread to another: the fields are those of its own that are plain data. */
export type PlainError = {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly fields: { readonly [name: string]: unknown };
};

const USUAL = new Set(["name", "message", "stack", "cause", "line", "column", "sourceURL", "originalLine", "originalColumn"]);

/** What can be sent of whatever was thrown. */
export function plainError(thrown: unknown): PlainError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const fields = Object.entries(error).filter(([name, value]) => !USUAL.has(name) && isPlain(value));
  return { name: error.name, message: error.message, stack: error.stack, fields: Object.fromEntries(fields) };
}

/**
 * An error with the same name, message and fields. Its stack is the one that it was thrown with.
 * @example
 * ```ts
 * const error = restoreError({ name: "LockedError", message: "another process holds a", stack: undefined, fields: { path: "a" } });
 * [String(error), error.path]; // ["LockedError: another process holds a", "a"]
 * ```
 */
export function restoreError({ name, message, stack, fields }: PlainError): Error {
  const error = Object.assign(new Error(message), fields);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}

function isPlain(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
