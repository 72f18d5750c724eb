/** Bytes or a folder that are no set of images. The message says which, and what would be right. Trying again gives the same. */
export class ImageSetError extends Error {
  override readonly name = "ImageSetError";
}
