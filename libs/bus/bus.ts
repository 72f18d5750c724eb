import { consume } from "./consume.ts";
import { injectTraceContext } from "./tracing.ts";
import type { Bus, BusDriver } from "./types.ts";

/** Makes a bus of a driver. */
export function createBus(driver: BusDriver): Bus {
  return {
    publish: (message, options = {}) => driver.publish({ ...message, headers: injectTraceContext(message.headers) }, options),
    consume: (on, options, handler) => consume(driver, on, options, handler),
    subscribe: (options) => driver.subscribe(options),
    deadLetters: (options = {}) => driver.deadLetters(options),
    watch: (options) => driver.watch(options),
    check: () => driver.check(),
    onReset: (listener) => driver.onReset(listener),
    [Symbol.asyncDispose]: () => driver.close(),
  };
}
