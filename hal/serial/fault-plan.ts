/** A fault plan: which faults an injector makes, by chance and by appointment, checked before anything runs. */

import { HalError } from '../errors.js';
import type { FaultDirection, FaultKind } from './faults.js';
import { nearNames } from './near-names.js';

/** Chances per character, each 0..1; together at most 1 in one direction. Left out: never. */
export interface FaultRates {
  readonly drop?: number;
  readonly corrupt?: number;
  readonly duplicate?: number;
  /** Receive direction only, like `framing`, `break` and `overrun`: a port cannot be asked to send them. */
  readonly parity?: number;
  readonly framing?: number;
  readonly break?: number;
  readonly overrun?: number;
  readonly delay?: number;
  readonly stall?: number;
  /** Characters lost by one `overrun`; default 16. */
  readonly overrunCount?: number;
  /** Length of one `delay` and one `stall`; default 10 ms. */
  readonly durationNs?: number;
}

/** One fault by appointment: at a character (`atIndex`, counted from 0 in its direction) or at a time (`atNs`, on the injector's clock). */
export interface ScheduledFault {
  readonly kind: FaultKind;
  /** Default `receive`; `unplug` and `replug` concern both. */
  readonly direction?: FaultDirection;
  readonly atIndex?: number;
  readonly atNs?: number;
  /** `drop`, `overrun`: how many characters; default 1 and 16. */
  readonly count?: number;
  /** `delay`, `stall`: how long, default 10 ms. `unplug`: until it is back; left out, it never comes back and the port ends. */
  readonly durationNs?: number;
}

export interface FaultPlan {
  readonly receive?: FaultRates;
  readonly transmit?: FaultRates;
  readonly events?: readonly ScheduledFault[];
}

export const DEFAULT_OVERRUN_COUNT = 16;
export const DEFAULT_FAULT_NS = 10_000_000;

/** Faults that strike one character by chance, in the order of their share of the random draw. */
export const CHARACTER_FAULTS = [
  'drop',
  'corrupt',
  'duplicate',
  'parity',
  'framing',
  'break',
  'overrun',
  'delay',
  'stall',
] as const;

const RECEIVE_ONLY: readonly FaultKind[] = ['parity', 'framing', 'break', 'overrun'];
const KINDS: readonly FaultKind[] = [...CHARACTER_FAULTS, 'unplug', 'replug'];
const DIRECTIONS: readonly FaultDirection[] = ['receive', 'transmit'];

const PLAN_KEYS: readonly (keyof FaultPlan)[] = ['receive', 'transmit', 'events'];
const RATE_KEYS: readonly (keyof FaultRates)[] = [...CHARACTER_FAULTS, 'overrunCount', 'durationNs'];
const EVENT_KEYS: readonly (keyof ScheduledFault)[] = ['kind', 'direction', 'atIndex', 'atNs', 'count', 'durationNs'];

function refuse(field: string, wanted: string): never {
  throw new HalError('HAL_INVALID', `fault plan: ${field} ${wanted}`, { where: field });
}

/** A plan may come from a file or from untyped code, where a misspelt key would be a fault that never happens. */
function checkKeys(value: unknown, where: string, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    refuse(where === '' ? 'it' : where, `is an object with ${known.join(', ')}`);
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const [near] = nearNames(key, known);
    const hint = near === undefined ? `it may have ${known.join(', ')}` : `did you mean ${near}?`;
    const field = `${where}${where === '' ? '' : '.'}${key.slice(0, 64)}`;
    throw new HalError('HAL_INVALID', `fault plan: ${field} is unknown; ${hint}`, { where: field });
  }
}

function checkRates(rates: FaultRates, direction: FaultDirection): void {
  checkKeys(rates, direction, RATE_KEYS);
  let sum = 0;
  for (const kind of CHARACTER_FAULTS) {
    const rate = rates[kind] ?? 0;
    if (!(typeof rate === 'number' && rate >= 0 && rate <= 1))
      refuse(`${direction}.${kind}`, `is a chance from 0 to 1, not ${rate}`);
    if (rate > 0 && direction === 'transmit' && RECEIVE_ONLY.includes(kind))
      refuse(`${direction}.${kind}`, 'is possible in the receive direction only');
    sum += rate;
  }
  if (sum > 1 + 1e-9) refuse(direction, `has chances that add up to ${sum}, more than 1`);
  checkAmounts(direction, rates.overrunCount, rates.durationNs);
}

function checkAmounts(field: string, count: number | undefined, durationNs: number | undefined): void {
  if (count !== undefined && !(Number.isInteger(count) && count >= 1))
    refuse(`${field}.count`, `is a whole number from 1, not ${count}`);
  if (durationNs !== undefined && !(durationNs >= 0 && durationNs <= Number.MAX_SAFE_INTEGER))
    refuse(`${field}.durationNs`, `is a time in nanoseconds, not ${durationNs}`);
}

function checkEvent(event: ScheduledFault, index: number): void {
  const field = `events[${index}]`;
  checkKeys(event, field, EVENT_KEYS);
  const { direction } = event;
  if (direction !== undefined && !DIRECTIONS.includes(direction))
    refuse(`${field}.direction`, `is one of ${DIRECTIONS.join(', ')}, not ${direction}`);
  if (!KINDS.includes(event.kind)) refuse(`${field}.kind`, `is one of ${KINDS.join(', ')}, not ${event.kind}`);
  if (event.kind === 'replug') refuse(`${field}.kind`, 'is made by an unplug with durationNs');
  if ((event.atIndex === undefined) === (event.atNs === undefined)) refuse(field, 'has either atIndex or atNs');
  const at = event.atIndex ?? event.atNs ?? 0;
  if (!(at >= 0 && at <= Number.MAX_SAFE_INTEGER)) refuse(field, `is at ${at}, which no character or time has`);
  if (event.direction === 'transmit' && RECEIVE_ONLY.includes(event.kind))
    refuse(`${field}.kind`, 'is possible in the receive direction only');
  checkAmounts(field, event.count, event.durationNs);
}

/** Throws `HAL_INVALID`, naming the field, when the plan cannot be carried out or says something nobody would carry out. */
export function checkFaultPlan(plan: FaultPlan): void {
  checkKeys(plan, '', PLAN_KEYS);
  if (plan.events !== undefined && !Array.isArray(plan.events)) refuse('events', 'is a list');
  if (plan.receive !== undefined) checkRates(plan.receive, 'receive');
  if (plan.transmit !== undefined) checkRates(plan.transmit, 'transmit');
  (plan.events ?? []).forEach(checkEvent);
}
