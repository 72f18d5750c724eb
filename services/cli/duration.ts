import { InvalidArgumentError } from "commander";

const units: { readonly [unit: string]: number } = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a duration as people write it: "90s", "10m", "2h", "1d". @throws InvalidArgumentError */
export function parseDuration(text: string): number {
  const [, number = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const unitMs = units[unit];
  if (unitMs === undefined) throw new InvalidArgumentError("Expected a number and a unit, such as 90s, 10m, 2h or 1d.");
  return Number(number) * unitMs;
}
