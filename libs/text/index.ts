export { ago, bytes, duration, remaining, wholeSeconds } from "./amounts.ts";
export { counted, list, plural } from "./counting.ts";
export { beginning, EXCERPT_LENGTH, excerpt, printable, quote } from "./excerpt.ts";
export { fewLines, moreLine } from "./few.ts";
export { didYouMean, nearest, nearestFew } from "./nearest.ts";
export { columns } from "./table.ts";
export { columnsOf, pad, take } from "./width.ts";
export { wrap } from "./wrap.ts";
