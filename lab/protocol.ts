/** What the two sides of the lab say to each other: one JSON value a line, over TCP from inside the machine to the host. */

/** Titles from the outermost suite to the test, and which of several equal ones it is. */
export interface TestName {
  readonly titles: readonly string[];
  readonly ordinal: number;
}

export interface InsideFailure {
  readonly message: string;
  readonly stack?: string | undefined;
}

export interface TestResult extends TestName {
  readonly state: 'passed' | 'failed' | 'pending';
  readonly durationMs: number;
  readonly failure?: InsideFailure | undefined;
}

/** What tests inside ask of the host: arguments and answer. Bytes are hexadecimal text. */
export interface HostServices {
  /** Positions 0 to 32767 and buttons; QEMU keeps 15 of them and merges moves that the machine has not taken yet, unless a button changes. */
  pointer: { args: { readonly steps: readonly PointerStep[] }; answer: null };
  /** Presses and releases keys by QEMU's names. */
  keys: { args: { readonly names: readonly string[] }; answer: null };
  /** Plugs one of QEMU's own USB devices in, by `device_add`. */
  plug: { args: { readonly driver: string; readonly id: string; readonly chardev?: string }; answer: null };
  unplug: { args: { readonly id: string }; answer: null };
  /** Sends bytes into the far end of the FTDI device; what arrives there comes as `FarEndBytes`. */
  farEnd: { args: { readonly bytes: string }; answer: null };
  /** Exports a simulated device over USB/IP, as 1-1 of a server of its own, until the next is served; answers the TCP port. */
  serve: {
    args: { readonly device: string; readonly overrides?: Readonly<Record<string, unknown>> };
    answer: { readonly port: number };
  };
  /** Pulls the device that is served. */
  pull: { args: Readonly<Record<string, never>>; answer: null };
  /** The codes of the served converter's scan `scan`, channel after channel, scan after scan. */
  codes: { args: { readonly scan: number; readonly scans: number }; answer: readonly number[] };
}

/** One input event of the tablet: a position, a button or both. */
export interface PointerStep {
  readonly x?: number;
  readonly y?: number;
  readonly left?: boolean;
}

export type HostService = keyof HostServices;

export interface Ask<S extends HostService = HostService> {
  readonly kind: 'ask';
  readonly id: number;
  readonly service: S;
  readonly args: HostServices[S]['args'];
}

export type FromInside =
  | { readonly kind: 'hello'; readonly token: string; readonly kernel: string; readonly uptimeS: number }
  | ({ readonly kind: 'test' } & TestResult)
  /** Nothing more comes of this suite; the failure is that of a hook. */
  | { readonly kind: 'suite-end'; readonly titles: readonly string[]; readonly hook?: InsideFailure | undefined }
  | { readonly kind: 'end' }
  | Ask;

export interface HostReply {
  readonly id: number;
  readonly answer?: unknown;
  readonly failure?: string;
}

/** What the machine has sent through the FTDI device. */
export interface FarEndBytes {
  readonly farEnd: string;
}

export type FromHost = HostReply | FarEndBytes;

/** Splits a stream into lines and hands each over as JSON; a longer line than 16 MiB or one that is no JSON ends it by an exception. */
export function lineReader(take: (message: unknown) => void): (chunk: string) => void {
  let rest = '';
  return (chunk) => {
    rest += chunk;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + 1);
      take(JSON.parse(line));
    }
    if (rest.length > 1 << 24) throw new Error('a message of the lab is longer than 16 MiB');
  };
}

/** A key for maps of tests. */
export function testKey({ titles, ordinal }: TestName): string {
  return JSON.stringify([titles, ordinal]);
}
