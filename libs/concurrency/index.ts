export { abortable } from "./abortable.ts";
export { type ByteCache, createByteCache } from "./byte-cache.ts";
export { changedWithin } from "./changed-within.ts";
export { createLimit, type Limit } from "./limit.ts";
export { createPulse, type Pulse } from "./pulse.ts";
export { createSharedWork, type SharedWork, type WorkContext } from "./shared-work.ts";
export { finish, finishInTurns, giveWay, type Steps } from "./steps.ts";
export { after, LONGEST_TIMER_MS, pause, type Timer, within } from "./timers.ts";
