/**
 * Transcendental functions with the same bits on every engine.
 * `Math.sin`, `cos`, `acos`, `exp`, `log` and `pow` differ between engines in the last bit; a different bit is a different digest.
 */
import stdlibAcos from "@stdlib/math-base-special-acos";
import stdlibCos from "@stdlib/math-base-special-cos";
import stdlibExp from "@stdlib/math-base-special-exp";
import stdlibLn from "@stdlib/math-base-special-ln";
import stdlibPow from "@stdlib/math-base-special-pow";
import stdlibSin from "@stdlib/math-base-special-sin";

type Unary = (x: number) => number;

/** Sine of x radians. */
export const sin: Unary = stdlibSin as unknown as Unary;
/**
 * Cosine of x radians.
 * @example
 * ```ts
 * cos(Math.PI); // -1
 * ```
 */
export const cos: Unary = stdlibCos as unknown as Unary;
/**
 * The angle in radians, 0 to π, whose cosine is x. NaN outside [-1, 1].
 * @example
 * ```ts
 * acos(-1) === Math.PI; // true
 * acos(1.5); // Number.NaN
 * ```
 */
export const acos: Unary = stdlibAcos as unknown as Unary;
/**
 * e to the x.
 * @example
 * ```ts
 * exp(1); // 2.7182818284590455
 * // Not Math.E (2.718281828459045), but within one unit in the last place, and so on every engine.
 * ```
 */
export const exp: Unary = stdlibExp as unknown as Unary;
/**
 * Natural logarithm of x.
 * @example
 * ```ts
 * ln(10); // 2.302585092994046
 * ```
 */
export const ln: Unary = stdlibLn as unknown as Unary;
/**
 * x to the y.
 * @example
 * ```ts
 * pow(2, 0.5); // Math.SQRT2
 * ```
 */
export const pow: (x: number, y: number) => number = stdlibPow as unknown as (x: number, y: number) => number;
