export { artifactPublished, jobFinished, runFinished, streams, workTopic } from "./topics.ts";
