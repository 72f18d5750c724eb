import type { Logger } from "#libs/telemetry";

/** A log that also tells of the errors (`err`) of its warnings and errors: what services only write down because they try again. */
export function overheardLog(log: Logger, hear: (error: unknown) => void): Logger {
  const overheard = Object.create(log) as Logger;
  for (const level of ["warn", "error"] as const) {
    overheard[level] = (...args: readonly unknown[]): void => {
      Reflect.apply(log[level], log, args);
      const [fields] = args;
      if (typeof fields === "object" && fields !== null && "err" in fields) hear(fields.err);
    };
  }
  return overheard;
}
