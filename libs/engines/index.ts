export { autoTakes, deviceOf, type EngineFacts, type EngineName, engineNamed, engines, ownEngineNamed, ownEngines } from "./engines.ts";
