export { type Drawn, drawRanges } from "./domainbed/draw-ranges.ts";
export { randomState } from "./domainbed/mt19937.ts";
export { seedHash } from "./domainbed/seed-hash.ts";
export { splitRows } from "./domainbed/split-rows.ts";
