import { createHash } from "node:crypto";
import { glimpseImage, ImageError, type ImageErrorKind, type Size } from "#libs/images";

/** What is known of an image once all of it has been read. */
export type Inspected = {
  readonly bytes: number;
  readonly size: Size;
  /** 32 bytes, of the file. */
  readonly sha256: Uint8Array;
  /** Two words: see glimpseImage. */
  readonly looks: Uint32Array;
};

/** Why an image cannot be used. */
export type Unusable = { readonly kind: ImageErrorKind; readonly why: string };

/** Reads an image as training does, and says what it is or why it cannot be used. */
export async function inspectImage(bytes: Uint8Array): Promise<Inspected | Unusable> {
  try {
    const { size, hash } = await glimpseImage(bytes);
    return { bytes: bytes.length, size, sha256: createHash("sha256").update(bytes).digest(), looks: hash };
  } catch (error) {
    if (error instanceof ImageError) return { kind: error.kind, why: error.message };
    throw error;
  }
}
