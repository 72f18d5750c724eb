import { FEATURES } from "#libs/datasets";
import type { GlyphsParameters } from "#libs/recipes";
import type { NeedsOfKind } from "./kind-needs.ts";

/** Bytes of a number in a tensor. */
const FLOAT = 4;
/** The images, and their encoding. */
const COPIES = 2;

/** Of drawn symbols: twice their pixels. Of what is made of a source: what a trainer has anyway. */
export const drawnNeeds: NeedsOfKind = ({ parameters }) => {
  const { images = 0 } = parameters as Partial<GlyphsParameters>;
  return { bytes: images * FEATURES * FLOAT * COPIES, field: "images" };
};
