/** Tells what an assertion was made about. By shape, not by class: a plan loaded from source has its own copy of the classes. */

import { RigError } from '../errors.js';
import type { Distribution } from '../metrics/distribution.js';
import type { Statistic } from '../metrics/statistic.js';
import type { ChannelView } from '../view/channel-view.js';
import type { RunView } from '../view/run-view.js';

interface Kinds {
  readonly 'rigvisor.run': RunView;
  readonly 'rigvisor.channel': ChannelView;
  readonly 'rigvisor.distribution': Distribution;
  readonly 'rigvisor.statistic': Statistic;
}

const NAMES: Readonly<Record<keyof Kinds, string>> = {
  'rigvisor.run': 'a run',
  'rigvisor.channel': 'a channel of a run',
  'rigvisor.distribution': 'a latency or jitter',
  'rigvisor.statistic': 'one statistic, such as latency.p99',
};

export function is<K extends keyof Kinds>(kind: K, subject: unknown): subject is Kinds[K] {
  return typeof subject === 'object' && subject !== null && (subject as { kind?: unknown }).kind === kind;
}

/** The subject as that kind; `RIG_PLAN`, saying what the assertion needs, when it is another. */
export function need<K extends keyof Kinds>(kind: K, subject: unknown, assertion: string): Kinds[K] {
  if (is(kind, subject)) return subject;
  throw new RigError('RIG_PLAN', `the assertion "${assertion}" needs ${NAMES[kind]}`, {
    where: assertion,
    hint: 'see "Assertions" in the README for what each assertion is made about',
  });
}
