/**
 * The index in each dimension of an element, which is counted in C order.
 * @example coordinates(11, [2, 8]) // [1, 3]
 */
export function coordinates(element: number, shape: readonly number[]): number[] {
  let rest = element;
  return shape
    .toReversed()
    .map((size) => {
      const coordinate = rest % size;
      rest = (rest - coordinate) / size;
      return coordinate;
    })
    .reverse();
}

/**
 * Where an element is, for the end of a clause: " at [1, 3]". Empty for a tensor without dimensions, which has one number only.
 * @example placeText(11, [2, 8]) // " at [1, 3]"
 */
export function placeText(element: number, shape: readonly number[]): string {
  return shape.length === 0 ? "" : ` at [${coordinates(element, shape).join(", ")}]`;
}
