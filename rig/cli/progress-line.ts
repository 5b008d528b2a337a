/** One moving line for a command that does one thing; silent where nobody looks. */

import ora from 'ora';
import { isLive } from './display.js';

export interface ProgressLine {
  show(text: string): void;
  /** A line that stays. */
  say(text: string): void;
  stop(): void;
}

export function createProgressLine(stream: NodeJS.WriteStream, quiet: boolean): ProgressLine {
  const spinner = isLive(stream) && !quiet ? ora({ stream, discardStdin: false }) : undefined;
  return {
    show: (text) => {
      if (spinner === undefined) return;
      spinner.text = text;
      if (!spinner.isSpinning) spinner.start();
    },
    say: (text) => {
      spinner?.stop();
      stream.write(`${text}\n`);
    },
    stop: () => void spinner?.stop(),
  };
}
