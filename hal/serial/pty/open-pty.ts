/** Shows a serial port of this process, simulated or replayed, to any program outside as a terminal it can open. */

import { lstatSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import { Timer, type WallClock } from '../../../base/index.js';
import { HalError } from '../../errors.js';
import { asHalError } from '../binding-errors.js';
import { sameLine } from '../line-settings.js';
import type { LineSettings, SerialPort } from '../serial-port.js';
import { PtyMaster } from './pty-master.js';

/** How often it is looked whether programs came or went and what they set. */
const LOOK_NS = 10_000_000;

export interface PtyOptions {
  /** Runs on `clock`; it is attached and closed by the export. */
  readonly port: SerialPort;
  readonly clock: WallClock;
  /** A symbolic link to the terminal is made here and removed at the end; one that is stale is replaced. */
  readonly linkPath?: string;
  /**
   * What a program finds set when it opens the terminal, and the port with it; left out, the port stays as it is until
   * a program sets something.
   */
  readonly line?: LineSettings;
  /** When the port is attached, which starts a device or a replay: when the first program opens the terminal (default), or now. */
  readonly start?: 'opened' | 'now';
}

export interface PtyExport {
  readonly path: string;
  readonly linkPath: string | undefined;
  /** Whether a program had the terminal open at the last look, at most 10 ms ago; true where the system does not tell. */
  readonly opened: boolean;
  /** Characters that programs did not get: nobody had the terminal open, or did not read. */
  readonly lost: number;
  /** The port's own end, if it came. */
  readonly ended: HalError | undefined;
  /** Removes link and terminal and closes the port. Idempotent. */
  close(): Promise<void>;
}

class ExportedPort implements PtyExport {
  readonly path: string;
  readonly linkPath: string | undefined;
  readonly #options: PtyOptions;
  readonly #master: PtyMaster;
  readonly #look = new Timer(() => this.#lookAround());
  readonly #one = new Uint8Array(1);
  #opened = false;
  #attached = false;
  #lost = 0;
  #line: LineSettings | undefined;
  #ended: HalError | undefined;
  #closed = false;

  constructor(options: PtyOptions) {
    this.#options = options;
    this.#master = new PtyMaster(options.clock, options.line);
    this.#line = options.line ?? this.#master.programLine();
    this.path = this.#master.path;
    this.linkPath = options.linkPath;
    try {
      if (options.linkPath !== undefined) placeLink(options.linkPath, this.path);
      this.#master.onData = (chunk) => this.#send(chunk);
      if (options.start === 'now') this.#attach();
    } catch (error) {
      this.#master.close();
      throw error;
    }
    this.#lookAround();
  }

  get opened(): boolean {
    return this.#opened;
  }

  get lost(): number {
    return this.#lost;
  }

  get ended(): HalError | undefined {
    return this.#ended;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.clock.cancel(this.#look);
    this.#master.close();
    if (this.linkPath !== undefined) removeLink(this.linkPath, this.path);
    this.#options.port.close();
  }

  #attach(): void {
    const { port } = this.#options;
    this.#attached = true;
    port.attach({
      receive: (byte) => this.#receive(byte),
      modemStatus: () => {},
      disconnected: (error) => {
        this.#ended = error;
      },
    });
    if (this.#options.line !== undefined) port.configure(this.#options.line);
  }

  #receive(byte: number): void {
    this.#one[0] = byte;
    if (!this.#opened || this.#master.write(this.#one, 0, 1) === 0) this.#lost++;
  }

  #send(chunk: Uint8Array): void {
    // Seen here before the next look: what a program sends first must not wait for it.
    this.#lookAround();
    try {
      // A program may have written and left between two looks.
      if (!this.#attached) this.#attach();
      this.#options.port.transmit(chunk, 0, chunk.length);
    } catch (error) {
      this.#ended ??= asHalError(error, this.path);
    }
  }

  #lookAround(): void {
    const { clock, port } = this.#options;
    this.#opened = this.#master.opened;
    if (this.#opened && !this.#attached) this.#attach();
    const line = this.#master.programLine();
    if (
      this.#attached &&
      this.#ended === undefined &&
      line !== undefined &&
      !(this.#line && sameLine(line, this.#line))
    ) {
      this.#line = line;
      port.configure(line);
    }
    if (!this.#closed) clock.schedule(this.#look, clock.now() + LOOK_NS);
  }
}

function placeLink(linkPath: string, target: string): void {
  const stat = lstatSync(linkPath, { throwIfNoEntry: false });
  if (stat !== undefined && !stat.isSymbolicLink())
    throw new HalError('HAL_IN_USE', `${linkPath} exists and is not a link`, {
      where: linkPath,
      hint: 'Choose another path for the link, or remove the file.',
    });
  try {
    if (stat !== undefined) unlinkSync(linkPath);
    symlinkSync(target, linkPath);
  } catch (error) {
    throw new HalError('HAL_DENIED', `the link ${linkPath} cannot be made: ${(error as Error).message}`, {
      where: linkPath,
      cause: error,
      hint: 'Choose a path in a directory that exists and that you may write to.',
    });
  }
}

/** Removes the link if it is still this export's own. */
function removeLink(linkPath: string, target: string): void {
  try {
    if (readlinkSync(linkPath) === target) unlinkSync(linkPath);
  } catch {
    // Somebody removed or replaced it already.
  }
}

/**
 * Makes a terminal and joins it to the port. Programs may open and close it again and again. Characters are lost, and counted,
 * while no program has it open, as on any serial port. The rate a program sets is given to the port, so a wrong one
 * shows as rubbish. Rejects with `HAL_UNSUPPORTED`, `HAL_IO`, `HAL_IN_USE` or `HAL_DENIED`.
 */
export async function openPty(options: PtyOptions): Promise<PtyExport> {
  return new ExportedPort(options);
}
