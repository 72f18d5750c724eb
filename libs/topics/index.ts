export { ACK_WAIT_MS, artifactPublished, consumers, jobFinished, refMoved, runFinished, runStarted, streams } from "./topics.ts";
export { type Device, devices, memoryClassesMib, type Needs, workTopic, workTopicsFor } from "./work.ts";
