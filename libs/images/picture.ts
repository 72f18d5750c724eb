/** An image as numbers: one byte per channel, rows from the top, pixels from the left, channels innermost. */
export type Picture = {
  readonly width: number;
  readonly height: number;
  /** 1 is grey, 3 red, green, blue, 2 the first two of these. */
  readonly channels: number;
  /** height · width · channels numbers. */
  readonly pixels: Uint8Array;
};

/** Width and height in pixels. */
export type Size = { readonly width: number; readonly height: number };

/** A part of a picture, in pixels from its upper left corner. */
export type Box = { readonly top: number; readonly left: number; readonly height: number; readonly width: number };
