/** Plays a suite's dialogue on a terminal, as a program outside would: opens it, writes, reads, leaves. */

import { closeSync, constants, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import type { DialogueStep } from '../binding-suite.js';

export class ScriptedTerminal {
  readonly #dialogue: readonly DialogueStep[];
  readonly #leave: () => void;
  readonly #stream: ReadStream;
  readonly #received: number[] = [];
  #step = 0;
  #matched = 0;

  /** `leave` is called where the dialogue says that the device leaves. */
  constructor(path: string, dialogue: readonly DialogueStep[], leave: () => void) {
    this.#dialogue = dialogue;
    this.#leave = leave;
    const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    // The stream opens the terminal anew for itself.
    this.#stream = new ReadStream(fd);
    closeSync(fd);
    this.#stream.on('data', (chunk: Buffer) => this.#hear(chunk));
    this.#stream.on('error', () => {});
  }

  start(): void {
    const step = this.#dialogue[this.#step];
    if (step === undefined) return;
    if ('deviceSends' in step) {
      this.#step++;
      this.#stream.write(Buffer.from(step.deviceSends), () => this.start());
    } else if ('deviceLeaves' in step) {
      this.#leave();
    }
  }

  received(): Uint8Array {
    return Uint8Array.from(this.#received);
  }

  close(): void {
    this.#stream.destroy();
  }

  #hear(chunk: Buffer): void {
    for (const byte of chunk) {
      this.#received.push(byte);
      const step = this.#dialogue[this.#step];
      if (step === undefined || !('hostSends' in step)) continue;
      this.#matched = step.hostSends[this.#matched] === byte ? this.#matched + 1 : 0;
      if (this.#matched < step.hostSends.length) continue;
      this.#matched = 0;
      this.#step++;
      this.start();
    }
  }
}
