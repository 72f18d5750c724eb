import { high, load4, loadOne, low } from "./load";
import { inputs, multiples } from "./mean";
import { write4, writeOne } from "./round";
import { bytesOf, F16, F32, F64, sizeOf } from "./types";

/** Sums of `many` inputs with coefficients, which stand in the tables of mean.ts, in f64 in their order. */
export function combine(type: i32, many: i32, out: usize, outType: i32, count: usize): void {
  const end = count & ~3;
  if (type == F32) combineFours<f32>(many, out, outType, end);
  else if (type == F64) combineFours<f64>(many, out, outType, end);
  else if (type == F16) combineFours<u16>(many, out, outType, end);
  else combineFours<i16>(many, out, outType, end);
  for (let i = end; i < count; i++) {
    const offset = i * sizeOf(type);
    let sum = loadOne(type, load<usize>(inputs) + offset) * load<f64>(multiples);
    for (let k: usize = 1; k < <usize>many; k++) {
      sum += loadOne(type, load<usize>(inputs + (k << 2)) + offset) * load<f64>(multiples + (k << 3));
    }
    writeOne(outType, out + i * sizeOf(outType), sum);
  }
}

function combineFours<T>(many: i32, out: usize, outType: i32, end: usize): void {
  for (let i: usize = 0; i < end; i += 4) {
    const offset = i * bytesOf<T>();
    let a = f64x2.splat(0);
    let b = a;
    for (let k = 0; k < many; k++) {
      const address = load<usize>(inputs + ((<usize>k) << 2)) + offset;
      const coefficient = v128.load64_splat(multiples + ((<usize>k) << 3));
      let x: v128;
      let y: v128;
      if (sizeof<T>() == 8) {
        x = v128.load(address);
        y = v128.load(address, 16);
      } else {
        const four = load4<T>(address);
        x = low(four);
        y = high(four);
      }
      x = f64x2.mul(x, coefficient);
      y = f64x2.mul(y, coefficient);
      a = k == 0 ? x : f64x2.add(a, x);
      b = k == 0 ? y : f64x2.add(b, y);
    }
    write4(outType, out + i * sizeOf(outType), a, b);
  }
}
