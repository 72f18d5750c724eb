export { acos, cos, exp, ln, pow, sin } from "./functions.ts";
export { mix, sub, uint32, uniform } from "./random.ts";
