/** Where imported recordings go: interfaces of a trace, or whatever a test puts there. */

import { VirtualClock } from '../../../base/index.js';
import type { LineSettings } from '../../serial/serial-port.js';
import type { UsbTap } from '../../usb/tap.js';
import type { UsbDescription } from '../../usb/usb-port.js';
import { type JsonValue, TraceRecorder } from '../trace-recorder.js';
import type { TraceSink } from '../trace-sink.js';
import type { UpperDissector } from '../upper-channel.js';

/** Facts kept with an interface, by name. */
export type Facts = { readonly [key: string]: string };

/** The part of a USB tap that an import uses. */
export type UrbTap = Pick<UsbTap, 'submitted' | 'completed' | 'reset'>;

/** One direction or both of a serial line; a transmission is stamped where it began, a reception where it was complete. */
export interface CharacterTap {
  received(byte: number, lineStatus: number, atNs: number): void;
  transmitted(bytes: Uint8Array, offset: number, length: number, atNs: number): void;
}

export interface ChannelTap {
  data(bytes: Uint8Array, offset: number, length: number, atNs: number): unknown;
  text(text: string, atNs: number): unknown;
}

export interface ForeignSink {
  usb(name: string, description: UsbDescription, facts: Facts): UrbTap;
  serial(name: string, line: LineSettings, facts: Facts): CharacterTap;
  channel(name: string, dissector: UpperDissector, description: string): ChannelTap;
}

class RecorderSink implements ForeignSink {
  readonly #recorder: TraceRecorder;

  constructor(recorder: TraceRecorder) {
    this.#recorder = recorder;
  }

  usb(name: string, description: UsbDescription, facts: Facts): UrbTap {
    return this.#recorder.addUsb(name, description, { facts });
  }

  serial(name: string, line: LineSettings, facts: Facts): CharacterTap {
    return this.#recorder.addSerial(name, line, { facts });
  }

  channel(name: string, dissector: UpperDissector, description: string): ChannelTap {
    return this.#recorder.addUpper(name, dissector, description);
  }
}

/** Where an import may be told to write: a path, a sink, a recorder (which stays open), or a sink of interfaces. */
export type ImportTarget = string | TraceSink | TraceRecorder | ForeignSink;

function isForeignSink(to: TraceSink | ForeignSink): to is ForeignSink {
  return 'channel' in to;
}

/** An opened target. */
export interface OpenTarget {
  readonly sink: ForeignSink;
  /** Ends the trace when it was made here; throws what kept it from being written. */
  close(): void;
  /** The import failed: lets the file go. */
  abandon(): void;
}

/** Opens `to`; a trace that is made here gets `manifest` and virtual time. */
export function openTarget(to: ImportTarget, manifest: JsonValue): OpenTarget {
  const nothing = (): void => {};
  if (to instanceof TraceRecorder) return { sink: new RecorderSink(to), close: nothing, abandon: nothing };
  if (typeof to !== 'string' && isForeignSink(to)) return { sink: to, close: nothing, abandon: nothing };
  const recorder = new TraceRecorder({ to, clock: new VirtualClock(), manifest });
  return {
    sink: new RecorderSink(recorder),
    close: () => void recorder.close(),
    abandon: () => {
      try {
        recorder.close();
      } catch {
        // What made the import fail is told, not what follows from it.
      }
    },
  };
}
