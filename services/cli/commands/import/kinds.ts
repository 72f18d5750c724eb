import { imagesKind } from "./images.ts";
import type { ImportKind } from "./kind.ts";
import { modelKind } from "./model.ts";
import { recordsKind } from "./records.ts";

/** What can be imported. The last takes every path, so it says what is wrong with one that nothing is made of. */
export const importKinds: readonly ImportKind[] = [recordsKind, imagesKind, modelKind];
