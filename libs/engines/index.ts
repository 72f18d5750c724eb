export { autoTakes, type EngineFacts, type EngineName, engineNamed, engines } from "./engines.ts";
