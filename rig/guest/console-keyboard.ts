/** Standard input as the guest's keyboard: raw on a terminal, with Ctrl-A for the rig's own keys. */

const CTRL_A = 0x01;

/** What the keyboard wants of a stream; `process.stdin` is one. */
export interface KeyboardStream extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
}

export interface KeyboardHandlers {
  /** Characters for the guest. */
  typed(bytes: Uint8Array): void;
  /** Ctrl-A x. */
  quit(): void;
  /** Ctrl-A c, or Ctrl-A h. */
  help(): void;
}

export const KEYBOARD_HELP = [
  'Ctrl-A x  end the guest',
  'Ctrl-A c  this help',
  'Ctrl-A Ctrl-A  type a Ctrl-A',
  'everything else, Ctrl-C too, goes to the guest',
];

/** Finds the rig's own keys in what a terminal sends. */
export class EscapeFilter {
  #isEscaped = false;

  constructor(readonly handlers: KeyboardHandlers) {}

  see(bytes: Uint8Array): void {
    const passed: number[] = [];
    for (const byte of bytes) {
      if (!this.#isEscaped) {
        if (byte === CTRL_A) this.#isEscaped = true;
        else passed.push(byte);
        continue;
      }
      this.#isEscaped = false;
      if (byte === CTRL_A) passed.push(byte);
      else this.#command(String.fromCharCode(byte).toLowerCase());
    }
    if (passed.length > 0) this.handlers.typed(Uint8Array.from(passed));
  }

  #command(key: string): void {
    if (key === 'x') this.handlers.quit();
    else if (key === 'c' || key === 'h' || key === '?') this.handlers.help();
  }
}

export interface Keyboard {
  /** A person may type at any moment. */
  readonly isTerminal: boolean;
  /** Stops and goes on reading, for want of room. */
  hold(held: boolean): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

/** Reads `stream` until it is closed. Its end is nothing to the guest: nobody types any more. */
export function openKeyboard(stream: KeyboardStream, handlers: KeyboardHandlers): Keyboard {
  const isTerminal = stream.isTTY === true && stream.setRawMode !== undefined;
  const filter = new EscapeFilter(handlers);
  const onData = (chunk: Uint8Array | string): void => {
    const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : new Uint8Array(chunk);
    if (isTerminal) filter.see(bytes);
    else handlers.typed(bytes);
  };
  // A terminal that hangs up has nothing more to say.
  const onError = (): void => {};
  const cook = (): void => void stream.setRawMode?.(false);
  if (isTerminal) {
    stream.setRawMode?.(true);
    process.once('exit', cook);
  }
  stream.on('data', onData).on('error', onError);
  return {
    isTerminal,
    hold: (held) => void (held ? stream.pause() : stream.resume()),
    close: () => {
      stream.off('data', onData).off('error', onError);
      stream.pause();
      if (!isTerminal) return;
      cook();
      process.off('exit', cook);
    },
  };
}
