export { NATS_VERSION, natsServerProgram } from "./nats-server.ts";
