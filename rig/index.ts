/** The test rig: plans, their assertions and verdicts, runs and reports. */

export type { CountedThings, TruthTolerance } from './assertions/index.js';
export { expect, rigAssertions } from './assertions/index.js';
export { RigError, type RigErrorCode } from './errors.js';
export { type GuestManifest, type LoadedGuest, listGuests, loadGuest, parseManifest } from './guest-manifest.js';
export {
  allanDeviation,
  modifiedAllanDeviation,
  overlappingAllanDeviation,
  phaseFromFrequency,
  timeDeviation,
} from './metrics/allan.js';
export { Distribution } from './metrics/distribution.js';
export { type Conservation, type Continuity, conservation, counterContinuity } from './metrics/integrity.js';
export type { Estimate, Limit, Measurement, Outcome, RunMode, Unit, Validity } from './metrics/measurement.js';
export { judge } from './metrics/measurement.js';
export { type StampContext, Statistic } from './metrics/statistic.js';
export { clockError, cycleToCycleJitter, eventRate, latency, periodJitter } from './metrics/timing.js';
export type { Release, RunOptions } from './plan/bench.js';
export { loadWiring } from './plan/context.js';
export type { PlanMatrix, Selection } from './plan/matrix.js';
export { type PlanOptions, plan, type Rig } from './plan/plan.js';
export { parseAs, parseDurationNs, parseQuantity, type Quantity, type QuantityText } from './plan/quantity.js';
export { runSession, type SessionOptions } from './plan/session.js';
export type * from './run/run-types.js';
export type * from './run/services.js';
export { InconclusiveError } from './verdict/inconclusive-error.js';
export {
  type CellRecord,
  cellVerdict,
  type SessionRecord,
  sessionVerdict,
  type TestRecord,
} from './verdict/records.js';
export type { Verdict } from './verdict/verdict.js';
export { aggregate } from './verdict/verdict.js';
export { ChannelView, type StampSource } from './view/channel-view.js';
export { RunView } from './view/run-view.js';
