import type { Attributes, Meter } from "@opentelemetry/api";

/** How a measurement is named: after OpenTelemetry's semantic conventions, the unit in UCUM. */
export type InstrumentOptions = {
  readonly unit: string;
  readonly description: string;
};

export type HistogramOptions = InstrumentOptions & {
  /** Upper bounds of the buckets, ascending. */
  readonly boundaries: number[];
};

/** A sum that only grows, such as bytes sent. */
export type Counter = { add(value: number, attributes?: Attributes): void };

/** The distribution of a value that is measured once in a while, such as how long a call took. */
export type Histogram = { record(value: number, attributes?: Attributes): void };

/** What is read off each time that metrics are sent. */
export type Observed = { readonly value: number; readonly attributes?: Attributes };

/** A counter. It costs a comparison where nothing is exported, and may be made before telemetry starts. */
export function counter(name: string, options: InstrumentOptions): Counter {
  const instrument = perMeter((meter) => meter.createCounter(name, options));
  return { add: (value, attributes) => instrument()?.add(value, attributes) };
}

/** A histogram. It costs a comparison where nothing is exported, and may be made before telemetry starts. */
export function histogram(name: string, { boundaries, ...options }: HistogramOptions): Histogram {
  const advice = { explicitBucketBoundaries: boundaries };
  const instrument = perMeter((meter) => meter.createHistogram(name, { ...options, advice }));
  return { record: (value, attributes) => instrument()?.record(value, attributes) };
}

/**
 * Gauges that are read together by `read`, each time that metrics are sent, until the result is disposed. `read` gives a value for each
 * name; while it rejects there is none. Made after telemetry has started; where nothing is exported it is never called.
 */
export function observe<Name extends string>(
  gauges: Readonly<Record<Name, InstrumentOptions>>,
  read: () => Promise<Readonly<Record<Name, readonly Observed[]>>>,
): Disposable {
  const meter = active;
  if (!meter) return { [Symbol.dispose]: () => {} };
  const names = Object.keys(gauges) as Name[];
  const instruments = names.map((name) => meter.createObservableGauge(name, gauges[name]));
  const callback: Parameters<Meter["addBatchObservableCallback"]>[0] = async (result) => {
    const values = await read();
    names.forEach((name, i) => {
      const instrument = instruments[i];
      for (const { value, attributes } of values[name]) if (instrument) result.observe(instrument, value, attributes);
    });
  };
  meter.addBatchObservableCallback(callback, instruments);
  return { [Symbol.dispose]: () => meter.removeBatchObservableCallback(callback, instruments) };
}

let active: Meter | undefined;

/** The meter of all instruments from now on; undefined where nothing is exported. Only `startTelemetry` sets it. */
export function setMeter(meter: Meter | undefined): void {
  active = meter;
}

/** Whether `meter` is the one that was set last. */
export function isActiveMeter(meter: Meter): boolean {
  return meter === active;
}

/** Makes an instrument when it is first used after each start of telemetry: the API has no instruments that wait for a provider. */
function perMeter<T>(make: (meter: Meter) => T): () => T | undefined {
  let of: Meter | undefined;
  let made: T | undefined;
  return () => {
    if (active === of) return made;
    of = active;
    made = active && make(active);
    return made;
  };
}
