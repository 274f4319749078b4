// AssemblyScript, compiled with the other kernels to dist/kernels/kernels.wasm; compression/column-kernel.ts calls it.
//
// A block is some columns of a layer, a panel some rows of a block, turned: columns lie together, `height` values a column, a
// multiple of 8. Addresses and `column`, a column's size, are in bytes. Sums are float32, one column after the other, as the
// published implementations have them: the panel's height and the step don't change a bit.

/** Bytes of 4 float32. */
const VECTOR: usize = 16;
/** As a power of 2, bytes of a float32. */
const FLOAT: usize = 2;

/** A panel's values from rows of the block, [rows, width]. */
export function takeRows(from: usize, to: usize, height: usize, rows: usize, width: usize): void {
  for (let j: usize = 0; j < width; j++) {
    for (let r: usize = 0; r < rows; r++) {
      store<f32>(to + ((j * height + r) << FLOAT), load<f32>(from + ((r * width + j) << FLOAT)));
    }
  }
}

/** Rows of the block, [rows, width], from a panel's values. */
export function giveRows(from: usize, to: usize, height: usize, rows: usize, width: usize): void {
  for (let r: usize = 0; r < rows; r++) {
    for (let j: usize = 0; j < width; j++) {
      store<f32>(to + ((r * width + j) << FLOAT), load<f32>(from + ((j * height + r) << FLOAT)));
    }
  }
}

/** `giveRows` of bytes. */
export function giveBytes(from: usize, to: usize, height: usize, rows: usize, width: usize): void {
  for (let r: usize = 0; r < rows; r++) {
    for (let j: usize = 0; j < width; j++) store<u8>(to + r * width + j, load<u8>(from + j * height + r));
  }
}

/** A panel's columns into those of the block, which are `stride` values long. */
export function giveColumns(from: usize, to: usize, height: usize, stride: usize, rows: usize, width: usize): void {
  for (let j: usize = 0; j < width; j++) {
    memory.copy(to + ((j * stride) << FLOAT), from + ((j * height) << FLOAT), rows << FLOAT);
  }
}

/**
 * Column `j` of a panel was visited, and becomes what `kept` has there. Its errors (value - kept) / U[j,j] times U[j, j:] are
 * taken from the later columns: from those of its step, `first .. stop - 1`, at once; from those after the step when its
 * last column is settled.
 * @param upper U inside the block, row-major [width, width]
 * @returns the sum of the errors' squares, in float64
 */
export function settle(
  values: usize,
  kept: usize,
  errors: usize,
  upper: usize,
  height: usize,
  rows: usize,
  width: usize,
  j: usize,
  first: usize,
  stop: usize,
): f64 {
  const column = height << FLOAT;
  const value = values + j * column;
  const error = errors + j * column;
  const pivot = v128.load_splat<f32>(upper + ((j * width + j) << FLOAT));
  kept += j * column;
  for (let r: usize = 0; r < column; r += VECTOR) {
    v128.store(error + r, f32x4.div(f32x4.sub(v128.load(value + r), v128.load(kept + r)), pivot));
  }
  const row = width << FLOAT;
  if (j + 1 < stop) {
    loseOne(values, error, upper + j * row, column, j + 1, stop);
  } else {
    let i = first;
    for (; i + 4 <= stop; i += 4) loseFour(values, errors + i * column, upper + i * row, column, row, stop, width);
    for (; i < stop; i++) loseOne(values, errors + i * column, upper + i * row, column, stop, width);
  }
  return sumSquares(error, rows);
}

function sumSquares(values: usize, count: usize): f64 {
  const whole = count & ~3;
  let squares = f64x2.splat(0);
  for (let i: usize = 0; i < whole; i += 4) {
    const value = v128.load(values + (i << FLOAT));
    const low = f64x2.promote_low_f32x4(value);
    const high = f64x2.promote_low_f32x4(v128.shuffle<u64>(value, value, 1, 0));
    squares = f64x2.add(squares, f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)));
  }
  let sum = f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1);
  for (let i = whole; i < count; i++) {
    const value = <f64>load<f32>(values + (i << FLOAT));
    sum += value * value;
  }
  return sum;
}

/** Columns `from .. to - 1` lose the errors of one column. @param upper its row of U */
function loseOne(values: usize, error: usize, upper: usize, column: usize, from: usize, to: usize): void {
  for (let k = from; k < to; k++) {
    const u = v128.load_splat<f32>(upper + (k << FLOAT));
    const value = values + k * column;
    for (let r: usize = 0; r < column; r += VECTOR) {
      v128.store(value + r, f32x4.sub(v128.load(value + r), f32x4.mul(v128.load(error + r), u)));
    }
  }
}

/** Columns `from .. to - 1` lose the errors of four columns; those of 8 rows stay in registers while the columns pass. */
function loseFour(values: usize, errors: usize, upper: usize, column: usize, row: usize, from: usize, to: usize): void {
  for (let r: usize = 0; r < column; r += 2 * VECTOR) {
    const at = errors + r;
    const a0 = v128.load(at);
    const a1 = v128.load(at, VECTOR);
    const b0 = v128.load(at + column);
    const b1 = v128.load(at + column, VECTOR);
    const c0 = v128.load(at + 2 * column);
    const c1 = v128.load(at + 2 * column, VECTOR);
    const d0 = v128.load(at + 3 * column);
    const d1 = v128.load(at + 3 * column, VECTOR);
    let value = values + from * column + r;
    let u = upper + (from << FLOAT);
    for (let k = from; k < to; k++) {
      const a = v128.load_splat<f32>(u);
      const b = v128.load_splat<f32>(u + row);
      const c = v128.load_splat<f32>(u + 2 * row);
      const d = v128.load_splat<f32>(u + 3 * row);
      let x = f32x4.sub(v128.load(value), f32x4.mul(a0, a));
      let y = f32x4.sub(v128.load(value, VECTOR), f32x4.mul(a1, a));
      x = f32x4.sub(x, f32x4.mul(b0, b));
      y = f32x4.sub(y, f32x4.mul(b1, b));
      x = f32x4.sub(x, f32x4.mul(c0, c));
      y = f32x4.sub(y, f32x4.mul(c1, c));
      v128.store(value, f32x4.sub(x, f32x4.mul(d0, d)));
      v128.store(value, f32x4.sub(y, f32x4.mul(d1, d)), VECTOR);
      value += column;
      u += 1 << FLOAT;
    }
  }
}
