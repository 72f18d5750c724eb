/** A model that cannot be read as one. Its message is one sentence: which file, what is wrong, and what would be right. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  /** missing: nothing is at that path, or it may not be read. invalid: what is there is no model, or a broken one. */
  readonly kind: "missing" | "invalid";

  constructor(kind: "missing" | "invalid", message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
