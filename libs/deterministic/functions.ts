/**
 * Transcendental functions with the same bits on every engine.
 * `Math.sin`, `cos`, `acos`, `exp`, `log` and `pow` differ between engines in the last bit; a different bit is a different digest.
 * Each is loaded when it is first called: all of them take longer to load than most of what imports this, and few threads need one.
 * Each has a function of its own, as engines inline what calls always the same.
 */
import { createRequire } from "node:module";

type Unary = (x: number) => number;
type Binary = (x: number, y: number) => number;

const require = createRequire(import.meta.url);
const load = (name: string) => require(`@stdlib/math-base-special-${name}`) as never;

let loadedSin: Unary | undefined;

/** Sine of x radians. */
export function sin(x: number): number {
  loadedSin ??= load("sin");
  return (loadedSin as Unary)(x);
}

let loadedCos: Unary | undefined;

/**
 * Cosine of x radians.
 * @example
 * ```ts
 * cos(Math.PI); // -1
 * ```
 */
export function cos(x: number): number {
  loadedCos ??= load("cos");
  return (loadedCos as Unary)(x);
}

let loadedAcos: Unary | undefined;

/**
 * The angle in radians, 0 to π, whose cosine is x. NaN outside [-1, 1].
 * @example
 * ```ts
 * acos(-1) === Math.PI; // true
 * acos(1.5); // Number.NaN
 * ```
 */
export function acos(x: number): number {
  loadedAcos ??= load("acos");
  return (loadedAcos as Unary)(x);
}

let loadedExp: Unary | undefined;

/**
 * e to the x.
 * @example
 * ```ts
 * exp(1); // 2.7182818284590455
 * // Not Math.E (2.718281828459045), but within one unit in the last place, and so on every engine.
 * ```
 */
export function exp(x: number): number {
  loadedExp ??= load("exp");
  return (loadedExp as Unary)(x);
}

let loadedLn: Unary | undefined;

/**
 * Natural logarithm of x.
 * @example
 * ```ts
 * ln(10); // 2.302585092994046
 * ```
 */
export function ln(x: number): number {
  loadedLn ??= load("ln");
  return (loadedLn as Unary)(x);
}

let loadedPow: Binary | undefined;

/**
 * x to the y.
 * @example
 * ```ts
 * pow(2, 0.5); // Math.SQRT2
 * ```
 */
export function pow(x: number, y: number): number {
  loadedPow ??= load("pow");
  return (loadedPow as Binary)(x, y);
}
