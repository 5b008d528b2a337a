/** What the wiring offers to the command line beside running plans: recording, exact replay, showing devices to programs, and looking into traces. */

import type { RigError } from '../errors.js';
import type { RunExecutor, RunProgress } from './run-types.js';

export interface RecordRequest {
  /** Device path, or `sim:PROFILE`. */
  readonly port: string;
  /** Needed with a device path; a simulator has one already. */
  readonly profile?: string;
  /** Trace to write; an existing file is refused. */
  readonly outPath: string;
  /** Until this long on the clock of the port; until aborted when absent. */
  readonly durationNs?: number;
  readonly seed: string;
  /** A guest that reads the device while it is recorded, with its journal in the trace; the device alone when absent. */
  readonly guest?: string;
  /** What the guest finds in `/chosen/bootargs`. */
  readonly bootargs?: string;
  readonly abort?: AbortSignal;
  readonly progress?: (progress: RecordProgress) => void;
}

export interface RecordProgress {
  readonly elapsedNs: number;
  readonly characters: number;
}

export interface RecordResult {
  readonly path: string;
  readonly characters: number;
  readonly durationNs: number;
  readonly blocks: number;
  readonly bytes: number;
  /** Why it ended, for a person. */
  readonly sentence: string;
  /** What keeps the recording from being all that was asked for (the device went away), though the trace is whole. */
  readonly trouble?: RigError;
}

export interface ReplayRequest {
  /** Trace of a run, with its journal; or of a device alone, which is then played to `guest`. */
  readonly tracePath: string;
  readonly outDir: string;
  /** Guest that hears a recording without a journal, or the image to run the journal with; the trace's own when absent. */
  readonly guest?: string;
  /** Profile of a recording that names none. */
  readonly profile?: string;
  readonly abort?: AbortSignal;
  readonly progress?: (progress: RunProgress) => void;
}

/** Outcome of replaying a run from its journal, or a recording through a guest. */
export interface ReplayResult {
  /** `journal`: the run was repeated exactly. `device`: the recorded device was played to a guest, and that run certified. */
  readonly kind: 'journal' | 'device';
  readonly certified: boolean;
  /** What the guest did differs from the journal, as far as that goes. */
  readonly diverged: boolean;
  /** Reports the guest made. */
  readonly reports: number;
  /** What was compared, or where it diverged, for a person. */
  readonly sentence: string;
  readonly outputDigest: string;
  readonly instret: number;
  /** Whether the trace ends before its statistics block: a run that was killed. Then the replay covers what is there. */
  readonly truncated: boolean;
}

/** Where to listen; 127.0.0.1 and the usual port when absent. */
export interface ListenAddress {
  readonly host?: string;
  readonly port?: number;
}

export interface TerminalRequest {
  /** `sim:PROFILE`, or a recording to replay: a trace, or a gpsd log. */
  readonly source: string;
  /** Symbolic link to the terminal, removed at the end. */
  readonly linkPath?: string;
  /** A TCP port instead of a terminal. */
  readonly tcp?: ListenAddress;
  /** Wall time; until aborted when absent. */
  readonly durationNs?: number;
  readonly seed: string;
  readonly abort?: AbortSignal;
  /** Called once, when programs can open the terminal at `path`. */
  readonly ready: (path: string) => void;
  readonly progress?: (progress: TerminalProgress) => void;
}

export interface TerminalProgress {
  readonly elapsedNs: number;
  /** Characters the device has sent. */
  readonly characters: number;
  /** Whether a program has the terminal open. */
  readonly opened: boolean;
}

export interface TerminalResult {
  readonly durationNs: number;
  readonly characters: number;
  /** Of those, what no program got: nobody had the terminal open, or did not read. */
  readonly lost: number;
  /** Characters that programs sent to the device. */
  readonly heard: number;
  /** Why it ended, for a person. */
  readonly sentence: string;
}

export interface UsbipRequest {
  /** Each `sim:PROFILE` or a trace of a USB device; they become the devices 1-1, 1-2 and so on. */
  readonly sources: readonly string[];
  /** 127.0.0.1 and 3240 when absent. */
  readonly address?: ListenAddress;
  /** Wall time; until aborted when absent. */
  readonly durationNs?: number;
  readonly seed: string;
  readonly abort?: AbortSignal;
  /** Called once, when machines can attach the devices. */
  readonly ready: (server: UsbipReady) => void;
  /** Who attached what, and who let go of it: one sentence each. */
  readonly event?: (sentence: string) => void;
  readonly progress?: (progress: UsbipProgress) => void;
}

export interface UsbipReady {
  readonly host: string;
  readonly port: number;
  readonly devices: readonly {
    readonly busid: string;
    readonly vendorId: number;
    readonly productId: number;
    readonly source: string;
  }[];
}

export interface UsbipProgress {
  readonly elapsedNs: number;
  /** Busids that a machine has now. */
  readonly attached: readonly string[];
  /** Transfers that were completed. */
  readonly transfers: number;
  /** Bytes that the devices sent. */
  readonly received: number;
}

export interface UsbipResult {
  readonly durationNs: number;
  readonly transfers: number;
  readonly received: number;
  /** Why it ended, for a person. */
  readonly sentence: string;
}

/** USB devices as the machine shows them. */
export interface UsbDevices {
  readonly devices: readonly {
    /** As `--port` takes it: `usb:1-1.2`. */
    readonly name: string;
    readonly title: string;
    /** Shipped profile that has its ids. */
    readonly profile: string | undefined;
    /** Device file of the USB library, and the udev rule that lets a person use it. */
    readonly node: string;
    readonly rule: string;
    /** Its HID interfaces: device files of the HID library, as `--port` takes them. */
    readonly hid: readonly { readonly node: string; readonly rule: string }[];
  }[];
  /** Why there are none, where the machine shows no USB at all. */
  readonly reason?: string;
}

/** Facts of a trace as label and value, in the order to print. */
export interface TraceInfo {
  readonly facts: readonly (readonly [label: string, value: string])[];
  /** One a interface. */
  readonly interfaces: readonly {
    readonly name: string;
    readonly linkType: number;
    readonly blocks: number;
    readonly bytes: number;
    /** Of the first and the last packet, as text; '' without one. */
    readonly from: string;
    readonly to: string;
    /** Packets or characters that the recording lost, and packets that it cut short. */
    readonly dropped: number;
    readonly cut: number;
  }[];
  /** One an endpoint of each USB device. */
  readonly endpoints: readonly EndpointFacts[];
  /** Damage that was found and skipped, one sentence each. */
  readonly damage: readonly string[];
}

/** Use of one endpoint in a trace. */
export interface EndpointFacts {
  /** Vendor and product, with their names where descriptors tell. */
  readonly device: string;
  /** `81 IN`; `0` for control. */
  readonly endpoint: string;
  readonly type: string;
  readonly submitted: number;
  readonly completed: number;
  readonly failed: number;
  readonly bytes: number;
  readonly truncated: number;
}

/** A recording of another program, to be made a trace of this one. */
export interface ConvertRequest {
  readonly inPath: string;
  /** An existing file is refused. */
  readonly outPath: string;
  /** What the file is, when its contents do not tell. */
  readonly kind?: string;
  /** umockdev description of the recorded device. */
  readonly devicePath?: string;
  /** Further umockdev scripts and ioctl trees of the same recording. */
  readonly scriptPaths?: readonly string[];
  readonly ioctlPaths?: readonly string[];
  /** sigrok: `rx=RX,tx=TX,baud=9600,format=8N1,inverted`. */
  readonly uart?: string;
  /** sigrok: `dp=DP,dm=DM,speed=full`. */
  readonly usb?: string;
  /** gpsd log: baud rate of its line. */
  readonly baudRate?: number;
}

export interface ConvertResult {
  /** What the file was taken for. */
  readonly kind: string;
  /** What was found, one sentence each. */
  readonly sentences: readonly string[];
}

export interface DiffRequest {
  readonly firstPath: string;
  readonly secondPath: string;
  readonly times: boolean;
}

export interface DiffResult {
  readonly equal: boolean;
  /** One for each interface and direction, the first difference where there is one. */
  readonly sentences: readonly string[];
}

export type ExportFormat = 'bytes' | 'csv' | 'pcapng';

export interface ExportRequest {
  readonly tracePath: string;
  readonly outPath: string;
  readonly format: ExportFormat;
  /** Interface by name or number; the first serial one when absent. */
  readonly interface?: string;
  /** `bytes`: what the host received (when absent), or what it sent. */
  readonly direction?: 'received' | 'transmitted';
}

/** Names given on the command line, to be checked before anything runs. */
export interface PreflightRequest {
  readonly profiles?: readonly string[];
  readonly recordingPath?: string;
  readonly calibrationPath?: string;
}

/** Everything `rig/wiring/index.ts` exports under these names. */
export interface WiringServices {
  /** Rejects with the coded error of the first name that is wrong. */
  preflight(request: PreflightRequest): Promise<void>;
  /** `calibrationPath`: the costs of runs in virtual time; the shipped ones when absent. */
  createExecutor(options?: { readonly calibrationPath?: string }): RunExecutor;
  record(request: RecordRequest): Promise<RecordResult>;
  replay(request: ReplayRequest): Promise<ReplayResult>;
  /** Shows a simulator or a recording to programs outside, in wall time, as a terminal that they open like a device. */
  showTerminal(request: TerminalRequest): Promise<TerminalResult>;
  /** Shows simulators or recordings of USB devices to other machines, in wall time, over USB/IP. */
  showUsbip(request: UsbipRequest): Promise<UsbipResult>;
  /** Opens no device. */
  usbDevices(): Promise<UsbDevices>;
  /** A trace, or a recording of another program. */
  traceInfo(path: string): Promise<TraceInfo>;
  convertTrace(request: ConvertRequest): Promise<ConvertResult>;
  diffTraces(request: DiffRequest): Promise<DiffResult>;
  /** Returns one sentence that says what was written. */
  exportTrace(request: ExportRequest): Promise<string>;
}
