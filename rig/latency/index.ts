/** Measuring round trips through a guest, for benchmarks and calibration. */

export type { Architecture, Engine, Frontend } from '../run/run-types.js';
export { type InterruptOptions, type InterruptRound, measureInterrupts } from './measure-interrupts.js';
export { type LatencyOptions, type LatencyRound, measureLatency } from './measure-latency.js';
export { type Interval, type QuantileDifference, quantileDifference, sortedQuantile } from './paired-difference.js';
export { predictLatency } from './predict-latency.js';
