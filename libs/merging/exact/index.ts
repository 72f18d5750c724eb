export { type Division, divisionOf } from "./divisor.ts";
export { exactMean, type FloatType } from "./exact-mean.ts";
export { meanOfWindow, type WindowMean, type WindowResult } from "./mean-of-window.ts";
