/** Runs a guest again from its journal, with no device and no clock, and says whether it did the same. */

import type { GuestImage } from '../boot/guest-image.js';
import type { EngineName } from '../machine/create-vcpu.js';
import type { JournalEnd } from './journal-format.js';
import { JournalReader } from './journal-reader.js';
import { Replayer } from './replayer.js';

export interface ReplayConfig {
  /** The image that the recorded guest ran; `VMM_JOURNAL` when the journal names another. */
  readonly image: GuestImage;
  /** Absent: `interpreter`. It need not be the engine that ran the recorded guest. */
  readonly engine?: EngineName;
  /** Most guest RAM a journal may ask for; absent: 2 GiB. */
  readonly maxRamBytes?: number;
  /** Most instructions a journal may ask for; absent: 10^11, about half an hour. */
  readonly maxInstructions?: number;
  /** Asked between chunks and at least every 10^7 instructions; after true the replay ends where it is, `stopped`. */
  readonly shouldStop?: () => boolean;
}

/** The first place where the guest did not do what the journal says. */
export interface Divergence {
  readonly instret: number;
  readonly expected: string;
  readonly actual: string;
  /** For the person at the bench. */
  readonly sentence: string;
}

export interface ReplayResult {
  /** The journal was read to its `end` entry: the recorded run was not cut off, and the replay did not diverge. */
  readonly complete: boolean;
  /** `shouldStop` ended it; the rest of the journal was not looked at. */
  readonly stopped: boolean;
  /** Complete, and all three digests are the recorded ones. */
  readonly identical: boolean;
  readonly instret: number;
  readonly entries: number;
  readonly outputDigest: string;
  readonly ramDigest: string;
  readonly stateDigest: string;
  /** What the recorded run ended with; undefined when it was cut off. */
  readonly recorded: JournalEnd | undefined;
  /** What the guest wrote to its console, whether or not the line had sent it yet. */
  readonly console: Uint8Array;
  /** Report records as the guest made them, without padding. */
  readonly reports: readonly Uint8Array[];
  /** Console or reports were too long to be kept whole. */
  readonly truncated: boolean;
  readonly divergence: Divergence | undefined;
}

/**
 * Replays `chunks`, which are read as they are needed. A journal that stops short of its end is replayed as far as it
 * goes (`complete: false`), and so is one that `shouldStop` ends. Throws `VMM_JOURNAL` for bytes that are no journal of this version, of another image, or of
 * a machine that is too large; and `VMM_CONFIG` when there is no memory or no such engine.
 */
export function replayJournal(config: ReplayConfig, chunks: Iterable<Uint8Array>): ReplayResult {
  return new Replayer(config, new JournalReader(chunks)).run();
}
