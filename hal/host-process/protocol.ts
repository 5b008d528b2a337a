/** What a rig process and a process that owns a native device library say to each other; sent by structured clone. */

/** Requests by name: what is asked and what is answered. Each kind of device has its own. */
export type RequestTable<Requests> = { readonly [Op in keyof Requests]: { args: unknown; answer: unknown } };

export interface HostRequest<Requests extends RequestTable<Requests>, Op extends keyof Requests = keyof Requests> {
  readonly id: number;
  readonly op: Op | 'ping';
  readonly args: Requests[Op]['args'] | undefined;
}

/** An error as it crosses the process boundary. */
export interface HostFailure {
  readonly message: string;
  readonly code?: string | undefined;
  readonly canceled?: boolean;
  /** What had arrived before the failure. */
  readonly partial?: Uint8Array | undefined;
}

export interface HostReply {
  readonly id: number;
  readonly answer?: unknown;
  readonly failure?: HostFailure;
  /** When the host took the request; both by `CLOCK_MONOTONIC`. */
  readonly heardNs?: bigint;
  /** When its library was done. */
  readonly doneNs?: bigint;
}

/** When an answered request passed the stations between who asked and the library: `CLOCK_MONOTONIC`, one clock for every process of a machine. */
export interface HostExchange {
  readonly op: string;
  /** It was given on its way. */
  readonly askedNs: bigint;
  readonly heardNs: bigint;
  readonly doneNs: bigint;
  /** The answer was here. */
  readonly answeredNs: bigint;
}
