/** Channels of the largest, the middle and the least number in each sixth of the circle. */
const PLACES = [
  [0, 1, 2],
  [1, 0, 2],
  [1, 2, 0],
  [2, 1, 0],
  [2, 0, 1],
  [0, 2, 1],
] as const;

/** The specification of `Kernels.turnHue`. `Math.fround` is where Pillow computes in 32 bits. */
export function turnHueTwin(memory: WebAssembly.Memory, address: number, count: number, turn: number): void {
  const pixels = new Uint8Array(memory.buffer, address, count * 3);
  for (let i = 0; i < pixels.length; i += 3) {
    const [red, green, blue] = [pixels[i]!, pixels[i + 1]!, pixels[i + 2]!];
    const most = Math.max(red, green, blue);
    const range = most - Math.min(red, green, blue);
    const saturation = range === 0 ? 0 : Math.trunc(Math.fround(range / most) * 255);
    if (saturation === 0) {
      pixels.fill(most, i, i + 3);
      continue;
    }
    const hue = (hueOf(red, green, blue, most, range) + turn) & 255;
    const sixth = (hue * 6) / 255;
    const sector = Math.floor(sixth);
    const rest = Math.fround(sixth - sector);
    const share = Math.fround(saturation / 255);
    // Falling in odd sectors, rising in even ones; only the former's product is of 32 bits.
    const between = sector % 2 === 1 ? Math.fround(share * rest) : share * (1 - rest);
    const [top, middle, bottom] = PLACES[sector % 6]!;
    pixels[i + top] = most;
    pixels[i + middle] = round(most * (1 - between));
    pixels[i + bottom] = round(most * (1 - share));
  }
}

/** 0 to 255. `range` is not 0. */
function hueOf(red: number, green: number, blue: number, most: number, range: number): number {
  const fromRed = Math.fround((most - red) / range);
  const fromGreen = Math.fround((most - green) / range);
  const fromBlue = Math.fround((most - blue) / range);
  let sixths: number;
  if (red === most) sixths = fromBlue - fromGreen;
  else if (green === most) sixths = 2 + fromRed - fromBlue;
  else sixths = 4 + fromGreen - fromRed;
  const turns = Math.fround(sixths) / 6 + 1;
  return Math.trunc(Math.fround(turns >= 1 ? turns - 1 : turns) * 255);
}

function round(x: number): number {
  return Math.floor(x + 0.5);
}
