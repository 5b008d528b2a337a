/** Ctrl-C: the first one ends the session in good order, the second one ends the process. */

import { EXIT } from './exit-codes.js';

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Gives the signals back. */
  release(): void;
}

export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
}

/** `say` is told, after the first signal, what happens now; `exit` ends the process at the second. */
export function listenForInterrupt(
  say: (line: string) => void,
  exit: (code: number) => void = (code) => process.exit(code),
  source: SignalSource = process,
): Interrupt {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      exit(EXIT.aborted);
      return;
    }
    say('ending: results so far are being written; press Ctrl-C again to stop at once');
    controller.abort();
  };
  source.on('SIGINT', onSignal);
  source.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    release: () => {
      source.off('SIGINT', onSignal);
      source.off('SIGTERM', onSignal);
    },
  };
}
