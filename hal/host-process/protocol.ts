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
}
