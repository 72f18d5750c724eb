export { type Deferred, deferred } from "./deferred.ts";
export { freePort } from "./free-port.ts";
export { heapGrowth } from "./heap.ts";
export { type NatsServer, startNatsServer } from "./nats-server.ts";
export { type TestProcess, testProcess } from "./process.ts";
export { type Proxy, startProxy } from "./proxy.ts";
export { type TemporaryDirectory, temporaryDirectory } from "./temporary-directory.ts";
export { type WaitOptions, waitFor } from "./wait-for.ts";
