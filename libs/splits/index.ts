export { decodeSplit, encodeSplit, type Split, SplitError } from "./split.ts";
