export { type ImportedImages, importImages } from "./import-images.ts";
export { importRecords } from "./import-records.ts";
export { findLooks, publishLooks } from "./looks.ts";
