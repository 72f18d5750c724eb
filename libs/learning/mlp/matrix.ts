import type { BackendName } from "#libs/recipes";

/** Numbers in rows, in the memory of a backend. */
export type Matrix = {
  readonly rows: number;
  readonly columns: number;
  /** The numbers, row by row; writing to them changes the matrix. Take it anew after each `multiply`: memory may have moved. */
  readonly values: Float32Array;
};

/** Matrices that live and die together, and the one operation that is worth a kernel. */
export type Workspace = Disposable & {
  /** A new matrix of zeros. */
  matrix(rows: number, columns: number): Matrix;
  /** A matrix in the numbers of another one, from number `offset` on. */
  part(whole: Matrix, offset: number, rows: number, columns: number): Matrix;
  /** out = a · b. `out` must not be `a` or `b`. */
  multiply(a: Matrix, b: Matrix, out: Matrix): void;
};

/** Something that multiplies matrices. */
export type Backend = {
  readonly name: BackendName;
  /** What decides how numbers are rounded, for recipes: name and version. */
  readonly arithmetic: string;
  /** Matrices that exist now, over all workspaces. */
  readonly matrices: number;
  workspace(): Workspace;
};

/** @throws RangeError if the shapes of a product do not fit. */
export function checkProduct(a: Matrix, b: Matrix, out: Matrix): void {
  if (a.columns === b.rows && out.rows === a.rows && out.columns === b.columns) return;
  const [left, right, result] = [a, b, out].map(({ rows, columns }) => `${rows}x${columns}`);
  throw new RangeError(`Cannot multiply ${left} by ${right} into ${result}`);
}

/** target = sourceᵀ. Four rows at a time, so that each line of `target` is written in one go: a third of the time of the plain loop. */
export function transpose(source: Matrix, target: Matrix): void {
  const { rows, columns, values } = source;
  const out = target.values;
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const first = row * columns;
    const second = first + columns;
    const third = second + columns;
    const fourth = third + columns;
    for (let column = 0, o = row; column < columns; column += 1, o += rows) {
      out[o] = values[first + column]!;
      out[o + 1] = values[second + column]!;
      out[o + 2] = values[third + column]!;
      out[o + 3] = values[fourth + column]!;
    }
  }
  for (; row < rows; row += 1) {
    for (let column = 0, o = row; column < columns; column += 1, o += rows) out[o] = values[row * columns + column]!;
  }
}
