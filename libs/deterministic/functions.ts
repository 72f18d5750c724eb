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
/** Cosine of x radians. */
export const cos: Unary = stdlibCos as unknown as Unary;
/** The angle in radians, 0 to π, whose cosine is x. NaN outside [-1, 1]. */
export const acos: Unary = stdlibAcos as unknown as Unary;
/** e to the x. */
export const exp: Unary = stdlibExp as unknown as Unary;
/** Natural logarithm of x. */
export const ln: Unary = stdlibLn as unknown as Unary;
/** x to the y. */
export const pow: (x: number, y: number) => number = stdlibPow as unknown as (x: number, y: number) => number;
