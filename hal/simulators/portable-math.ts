/**
 * Sine, cosine and arc tangent built from +, -, *, / and the square root alone. IEEE 754 fixes the result of those to the
 * last bit, so a simulated position has the same digits on every machine and with every Node.js. `Math.sin` and its kin do
 * not promise that: ECMAScript leaves their precision open, and V8 has changed the library behind them between versions.
 */

export const DEGREE = Math.PI / 180;

/** pi/2 in two parts: the first has 33 significant bits, so its product with a small integer is exact. */
const HALF_PI_HIGH = 1.5707963267341256;
const HALF_PI_LOW = 6.077100506506192e-11;

/** Taylor series of the sine for |x| <= pi/4; the first term left out is below 2^-60. */
function sineSeries(x: number): number {
  const square = x * x;
  let term = x;
  let sum = x;
  for (let n = 2; n <= 18; n += 2) {
    term = (-term * square) / (n * (n + 1));
    sum += term;
  }
  return sum;
}

/** Taylor series of the cosine for |x| <= pi/4. */
function cosineSeries(x: number): number {
  const square = x * x;
  let term = 1;
  let sum = 1;
  for (let n = 1; n <= 17; n += 2) {
    term = (-term * square) / (n * (n + 1));
    sum += term;
  }
  return sum;
}

/** Sine of `x + quarters * pi/2`. */
function sineOfQuarter(x: number, quarters: number): number {
  const turn = Math.floor(x / (Math.PI / 2) + 0.5);
  const rest = x - turn * HALF_PI_HIGH - turn * HALF_PI_LOW;
  switch ((((turn + quarters) % 4) + 4) % 4) {
    case 0:
      return sineSeries(rest);
    case 1:
      return cosineSeries(rest);
    case 2:
      return -sineSeries(rest);
    default:
      return -cosineSeries(rest);
  }
}

/** Sine of an angle in radians; within 1e-15 for |x| up to 1e5. */
export function sin(x: number): number {
  return sineOfQuarter(x, 0);
}

/** Cosine of an angle in radians; within 1e-15 for |x| up to 1e5. */
export function cos(x: number): number {
  return sineOfQuarter(x, 1);
}

/** Arc tangent for 0 <= x <= 1: halved twice, so that the series converges in twelve terms. */
function atanUnit(x: number): number {
  const half = x / (1 + Math.sqrt(1 + x * x));
  const quarter = half / (1 + Math.sqrt(1 + half * half));
  const square = quarter * quarter;
  let power = quarter;
  let sum = quarter;
  for (let n = 3; n <= 25; n += 2) {
    power = -power * square;
    sum += power / n;
  }
  return 4 * sum;
}

/** Angle of the point (x, y) in radians, -pi..pi; 0 for the origin. */
export function atan2(y: number, x: number): number {
  const absX = Math.abs(x);
  const absY = Math.abs(y);
  if (absX === 0 && absY === 0) return 0;
  const acute = absY <= absX ? atanUnit(absY / absX) : Math.PI / 2 - atanUnit(absX / absY);
  const upper = x < 0 ? Math.PI - acute : acute;
  return y < 0 ? -upper : upper;
}

/** Arc sine in radians; arguments beyond -1..1 are taken as -1 or 1. */
export function asin(x: number): number {
  const bounded = Math.max(-1, Math.min(1, x));
  return atan2(bounded, Math.sqrt((1 - bounded) * (1 + bounded)));
}
