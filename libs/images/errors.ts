/** What is wrong with an image. unreadable: damaged, or of a kind of its format that cannot be read. */
export type ImageErrorKind = "empty-file" | "not-an-image" | "cut-short" | "unreadable" | "too-many-pixels" | "size";

/** Bytes that are no image, or one that cannot be used. The message says why, not which image. Trying again gives the same. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  readonly kind: ImageErrorKind;
  constructor(kind: ImageErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
