export { NATS_VERSION, natsServerPlace, natsServerProgram } from "./nats-server.ts";
