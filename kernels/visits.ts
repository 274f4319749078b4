// AssemblyScript: what methods do with a column of a panel (see columns.ts), four rows at a time. The formulas are those of
// compression/grid.ts and compression/real-grid.ts, with the same bits.

const VECTOR: usize = 16;
const FLOAT: usize = 2;
/** What scales are divided by is at least this. */
const LEAST_SCALE: f32 = 1e-9;

/** Rounds a column to the grid of each row, whose zero point is an integer: GPTQ. */
export function round(
  values: usize,
  kept: usize,
  codes: usize,
  scales: usize,
  zeros: usize,
  height: usize,
  limit: f32,
): void {
  const most = f32x4.splat(limit);
  for (let r: usize = 0; r < height << FLOAT; r += VECTOR) {
    const scale = v128.load(scales + r);
    const zero = v128.load(zeros + r);
    const code = clamped(f32x4.add(f32x4.nearest(f32x4.div(v128.load(values + r), scale)), zero), most);
    storeCodes(codes + (r >> FLOAT), code);
    v128.store(kept + r, f32x4.mul(scale, f32x4.sub(code, zero)));
  }
}

/**
 * Rounds a column to the grid of each row, whose zero point is real: SpQR. Where the error (value - rounded) / pivot has a square
 * above `threshold`, the value is kept and marked.
 * @param marks receives 1 there, else 0
 */
export function roundReal(
  values: usize,
  kept: usize,
  codes: usize,
  marks: usize,
  scales: usize,
  zeros: usize,
  height: usize,
  limit: f32,
  pivot: f32,
  threshold: f32,
): void {
  const most = f32x4.splat(limit);
  const pivots = f32x4.splat(pivot);
  const bound = f32x4.splat(threshold);
  for (let r: usize = 0; r < height << FLOAT; r += VECTOR) {
    const value = v128.load(values + r);
    const scale = v128.load(scales + r);
    const zero = v128.load(zeros + r);
    const code = realCode(value, scale, zero, most);
    storeCodes(codes + (r >> FLOAT), code);
    const rounded = f32x4.mul(scale, f32x4.sub(code, zero));
    const error = f32x4.div(f32x4.sub(value, rounded), pivots);
    const isOutlier = f32x4.gt(f32x4.mul(error, error), bound);
    storeBytes(marks + (r >> FLOAT), v128.and(isOutlier, i32x4.splat(1)));
    v128.store(kept + r, v128.bitselect(value, rounded, isOutlier));
  }
}

/** Keeps a column's values where `marks` is 1; the others become 0. */
export function keepMarked(values: usize, kept: usize, marks: usize, height: usize): void {
  for (let r: usize = 0; r < height; r += 4) {
    const mark = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(marks + r)));
    const value = v128.load(values + (r << FLOAT));
    v128.store(kept + (r << FLOAT), v128.and(value, i32x4.neg(mark)));
  }
}

/**
 * Marks with 0 the `pruned` of each row's next `count` values whose loss costs least, w^2 / U[j,j]^2, and the others with 1. Of equal
 * costs the last is pruned first.
 * @param pivots U[j,j] of the first, the next ones `pivotStride` bytes apart
 * @param costs [count] vectors, for the work
 */
export function markLeast(
  values: usize,
  marks: usize,
  pivots: usize,
  pivotStride: usize,
  costs: usize,
  height: usize,
  count: usize,
  pruned: u32,
): void {
  const column = height << FLOAT;
  const least = i32x4.splat(pruned);
  for (let r: usize = 0; r < column; r += VECTOR) {
    for (let i: usize = 0; i < count; i++) {
      const value = v128.load(values + i * column + r);
      const pivot = v128.load_splat<f32>(pivots + i * pivotStride);
      const cost = f32x4.div(f32x4.mul(value, value), f32x4.mul(pivot, pivot));
      // What is no number, for lack of range, costs most.
      v128.store(costs + i * VECTOR, f32x4.pmin(f32x4.splat(Infinity), cost));
    }
    for (let i: usize = 0; i < count; i++) {
      const cost = v128.load(costs + i * VECTOR);
      // Comparisons give -1.
      let cheaper = i32x4.splat(0);
      for (let k: usize = 0; k < i; k++) cheaper = i32x4.sub(cheaper, f32x4.lt(v128.load(costs + k * VECTOR), cost));
      for (let k = i + 1; k < count; k++) {
        cheaper = i32x4.sub(cheaper, f32x4.le(v128.load(costs + k * VECTOR), cost));
      }
      storeBytes(marks + i * height + (r >> FLOAT), v128.and(i32x4.ge_s(cheaper, least), i32x4.splat(1)));
    }
  }
}

/**
 * Fits SpQR's grids to each row's next `count` values: from the least to the largest, without those whose leaving out lowers the
 * row's error by more than `threshold` (Dettmers et al. 2023, arXiv 2306.03078, section 4.1); the mean of the others stands
 * for them. The error is the sum of squared errors over squared pivots, of the others on their own grid against that of all
 * on theirs. Only the least and the largest value change the grid; for the others it is their own error.
 * @param threshold infinite: nothing is left out
 * @param pivots U[j,j] of the first, the next ones `pivotStride` bytes apart
 * @param losses [count] vectors, for the work
 */
export function fitReal(
  values: usize,
  scales: usize,
  zeros: usize,
  pivots: usize,
  pivotStride: usize,
  losses: usize,
  height: usize,
  count: usize,
  limit: f32,
  threshold: f32,
): void {
  const column = height << FLOAT;
  const most = f32x4.splat(limit);
  const infinity = f32x4.splat(Infinity);
  for (let r: usize = 0; r < column; r += VECTOR) {
    // The two least and the two largest.
    let low = infinity;
    let low2 = infinity;
    let high = f32x4.neg(infinity);
    let high2 = high;
    for (let i: usize = 0; i < count; i++) {
      const value = v128.load(values + i * column + r);
      low2 = f32x4.pmin(low2, f32x4.pmax(low, value));
      low = f32x4.pmin(low, value);
      high2 = f32x4.pmax(high2, f32x4.pmin(high, value));
      high = f32x4.pmax(high, value);
    }
    if (threshold < <f32>Infinity) {
      const scale = scaleOf(low, high, most);
      const zero = zeroOf(low, high, scale);
      const scaleA = scaleOf(low2, high, most);
      const zeroA = zeroOf(low2, high, scaleA);
      const scaleB = scaleOf(low, high2, most);
      const zeroB = zeroOf(low, high2, scaleB);
      let loss = f32x4.splat(0);
      let lossA = loss;
      let lossB = loss;
      for (let i: usize = 0; i < count; i++) {
        const value = v128.load(values + i * column + r);
        const pivot = v128.load_splat<f32>(pivots + i * pivotStride);
        const own = lossOf(value, scale, zero, most, pivot);
        v128.store(losses + i * VECTOR, own);
        loss = f32x4.add(loss, own);
        lossA = f32x4.add(lossA, v128.andnot(lossOf(value, scaleA, zeroA, most, pivot), f32x4.eq(value, low)));
        lossB = f32x4.add(lossB, v128.andnot(lossOf(value, scaleB, zeroB, most, pivot), f32x4.eq(value, high)));
      }
      const bound = f32x4.splat(threshold);
      const reductionA = f32x4.sub(loss, lossA);
      const reductionB = f32x4.sub(loss, lossB);
      // Where the second least is the least, leaving one out changes nothing; so for the largest.
      const oneLow = f32x4.ne(low, low2);
      const oneHigh = f32x4.ne(high, high2);
      let sum = f32x4.splat(0);
      let left = f32x4.splat(0);
      for (let i: usize = 0; i < count; i++) {
        const value = v128.load(values + i * column + r);
        let reduction = v128.load(losses + i * VECTOR);
        const isLow = v128.and(f32x4.eq(value, low), oneLow);
        const isHigh = v128.and(f32x4.eq(value, high), oneHigh);
        const only = v128.and(isLow, isHigh);
        reduction = v128.bitselect(reductionA, reduction, v128.andnot(isLow, only));
        reduction = v128.bitselect(reductionB, reduction, v128.andnot(isHigh, only));
        const isLeft = v128.not(f32x4.gt(reduction, bound));
        v128.store(losses + i * VECTOR, isLeft);
        sum = f32x4.add(sum, v128.and(value, isLeft));
        left = f32x4.add(left, v128.and(f32x4.splat(1), isLeft));
      }
      const mean = f32x4.div(sum, f32x4.pmax(left, f32x4.splat(1)));
      low = infinity;
      high = f32x4.neg(infinity);
      for (let i: usize = 0; i < count; i++) {
        const value = v128.bitselect(v128.load(values + i * column + r), mean, v128.load(losses + i * VECTOR));
        low = f32x4.pmin(low, value);
        high = f32x4.pmax(high, value);
      }
    }
    const scale = scaleOf(low, high, most);
    v128.store(scales + r, scale);
    v128.store(zeros + r, zeroOf(low, high, scale));
  }
}

function scaleOf(low: v128, high: v128, limit: v128): v128 {
  const range = v128.bitselect(f32x4.sub(high, low), f32x4.splat(2), f32x4.lt(low, high));
  return f32x4.div(range, limit);
}

/** Where all values are equal the grid is that of -1 and 1. */
function zeroOf(low: v128, high: v128, scale: v128): v128 {
  const from = v128.bitselect(low, f32x4.splat(-1), f32x4.lt(low, high));
  return f32x4.div(f32x4.neg(from), scale);
}

function realCode(value: v128, scale: v128, zero: v128, limit: v128): v128 {
  const divided = f32x4.div(value, f32x4.pmax(scale, f32x4.splat(LEAST_SCALE)));
  return clamped(f32x4.nearest(f32x4.add(divided, zero)), limit);
}

/** The squared error over the squared pivot. */
function lossOf(value: v128, scale: v128, zero: v128, limit: v128, pivot: v128): v128 {
  const rounded = f32x4.mul(scale, f32x4.sub(realCode(value, scale, zero, limit), zero));
  const error = f32x4.div(f32x4.sub(rounded, value), pivot);
  return f32x4.mul(error, error);
}

/** What is no number, for lack of range, becomes 0; so does -0. */
function clamped(code: v128, limit: v128): v128 {
  return f32x4.pmin(f32x4.pmax(f32x4.splat(0), code), limit);
}

function storeCodes(to: usize, codes: v128): void {
  storeBytes(to, i32x4.trunc_sat_f32x4_u(codes));
}

/** Four numbers up to 255 as bytes. */
function storeBytes(to: usize, numbers: v128): void {
  const short = i16x8.narrow_i32x4_u(numbers, numbers);
  v128.store32_lane(to, i8x16.narrow_i16x8_u(short, short), 0);
}
