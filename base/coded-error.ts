/** The error base of every layer: a closed code, the layer and place it happened, and what to do about it. */

export type Layer = 'hal' | 'vmm' | 'rig';

export interface ErrorDetails {
  /** The port, address, file or field concerned, as a person would name it. */
  readonly where?: string;
  /** One sentence with what to do about it. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** Base of `HalError`, `VmmError` and `RigError`; `code` is one of the closed set of its layer. */
export abstract class CodedError<Code extends string = string> extends Error {
  abstract readonly layer: Layer;
  readonly where: string | undefined;
  readonly hint: string | undefined;

  constructor(
    readonly code: Code,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.where = details.where;
    this.hint = details.hint;
  }

  override get name(): string {
    return this.constructor.name;
  }
}

/** The innermost cause that carries a code: what really went wrong, and in which layer. */
export function firstCause(error: unknown): unknown {
  let found = error;
  const seen = new Set<unknown>();
  for (let e = error; e instanceof Error && !seen.has(e); e = e.cause) {
    seen.add(e);
    if (e instanceof CodedError) found = e;
  }
  return found;
}
