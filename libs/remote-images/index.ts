export { type ImportedImages, importImages } from "./import-images.ts";
