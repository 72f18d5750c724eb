export { acos, cos, exp, ln, pow, sin } from "./functions.ts";
export { type PhiloxCounter, type PhiloxKey, philox } from "./philox.ts";
export { mix, sub, uint32, uniform } from "./random.ts";
export { openStream, PURPOSE, type Stream } from "./stream.ts";
