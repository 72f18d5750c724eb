export { ACK_WAIT_MS, artifactPublished, busAccess, consumers, jobFinished, refMoved, runFinished, runStarted, streams } from "./topics.ts";
export { type Device, devices, memoryClassesMib, type Needs, type Route, workTopic, workTopicsFor } from "./work.ts";
