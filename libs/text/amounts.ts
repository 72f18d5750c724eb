import { counted } from "./counting.ts";

/**
 * Bytes with a decimal unit, powers of 1000: for example "400 kB".
 * @example
 * ```ts
 * bytes(999); // "999 B"
 * bytes(1_500_000); // "1.5 MB"
 * bytes(400_000); // "400 kB"
 * ```
 */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/**
 * How long something took, for example "850 ms", "12.5 s", "3 min 20 s" or "2 h 5 min".
 * @param ms milliseconds
 * @example
 * ```ts
 * [850, 12_500, 200_000, 7_500_000].map(duration); // ["850 ms", "12.5 s", "3 min 20 s", "2 h 5 min"]
 * ```
 */
export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  return wholeSeconds(ms / 1000);
}

/**
 * A time that goes on, in whole seconds: "8 s", "2 min 5 s", "1 h 20 min".
 * @param seconds
 * @example
 * ```ts
 * wholeSeconds(125.2); // "2 min 5 s"
 * ```
 */
export function wholeSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/**
 * An estimate, rounded as far as it can be trusted: "about 2 min left".
 * @param seconds
 * @example
 * ```ts
 * remaining(118); // "about 2 min left"
 * ```
 */
export function remaining(seconds: number): string {
  if (seconds < 10) return "less than 10 s left";
  if (seconds < 90) return `about ${Math.round(seconds / 10) * 10} s left`;
  if (seconds < 90 * 60) return `about ${Math.round(seconds / 60)} min left`;
  return `about ${(seconds / 3600).toFixed(1)} h left`;
}

/**
 * How long ago, for example "3 min ago".
 * @param ms since 1970; 0 is never.
 * @example
 * ```ts
 * ago(1_000_000n, 1_180_000); // "3 min ago"
 * ```
 */
export function ago(ms: bigint, now = Date.now()): string {
  if (ms === 0n) return "";
  const seconds = Math.max(0, (now - Number(ms)) / 1000);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  const days = Math.floor(seconds / 86_400);
  return `${counted(days, "day")} ago`;
}
