export { type ByteCache, createByteCache } from "./byte-cache.ts";
export { createLimit, type Limit } from "./limit.ts";
export { createSharedWork, type SharedWork, type WorkContext } from "./shared-work.ts";
export { finish, finishInTurns, type Steps, TURN_MS } from "./steps.ts";
