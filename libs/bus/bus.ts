import { consume } from "./consume.ts";
import { checkMessage, checkSubscription, checkWatch } from "./limits.ts";
import { injectTraceContext } from "./tracing.ts";
import type { Bus, BusDriver } from "./types.ts";

/** Makes a bus of a driver. What no bus can do is refused here, the same for all of them. */
export function createBus(driver: BusDriver): Bus {
  const subscribe: Bus["subscribe"] = async (options) => {
    checkSubscription(options);
    return driver.subscribe(options);
  };
  return {
    async publish(plain, options = {}) {
      const message = { ...plain, headers: injectTraceContext(plain.headers) };
      checkMessage(message);
      await driver.publish(message, options);
    },
    consume: (on, options, handler) => consume(subscribe, on, options, handler),
    subscribe,
    deadLetters: (options = {}) => driver.deadLetters(options),
    unsettled: (subject) => driver.unsettled(subject),
    async *watch(options) {
      checkWatch(options);
      yield* driver.watch(options);
    },
    check: () => driver.check(),
    onReset: (listener) => driver.onReset(listener),
    [Symbol.asyncDispose]: () => driver.close(),
  };
}
