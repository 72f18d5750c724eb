export { type ImportedImages, importImages } from "./import-images.ts";
export { findLooks, publishLooks } from "./looks.ts";
