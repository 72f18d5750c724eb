export { ACK_WAIT_MS, artifactPublished, consumers, jobFinished, refMoved, runFinished, runStarted, streams } from "./topics.ts";
export {
  type Device,
  devices,
  isEngineName,
  memoryClassesMib,
  type Needs,
  type Route,
  workTopic,
  workTopics,
  workTopicsFor,
} from "./work.ts";
