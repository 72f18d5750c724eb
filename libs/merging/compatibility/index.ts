export { compareStructure, isAgreeing, isAveraged, type Mismatch, type Structure } from "./structure.ts";
