export { watchEvents } from "./events.ts";
