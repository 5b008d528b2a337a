/** The seam between the guest's TCP connections and what really stands behind a port of 10.0.2.2. */

/**
 * The host's end of one connection, which the network calls. Nothing here throws, blocks, or is called after `reset`.
 */
export interface TcpStream {
  /**
   * The guest's bytes [offset, offset + length) of `bytes`, valid during the call alone. Returns how many were taken;
   * when that is fewer, the others are offered again after `TcpHandlers.writable`.
   */
  write(bytes: Uint8Array, offset: number, length: number): number;
  /** The guest has sent its last byte; it may go on receiving. */
  end(): void;
  /** The guest, or the network for want of an answer, dropped the connection: bytes on their way are lost. */
  reset(): void;
  /** There is room again after `TcpHandlers.data` took less than it was offered. */
  resume(): void;
}

/** The network's end of one connection, which the connector calls, never before `connect` has returned. */
export interface TcpHandlers {
  /** The connection to the host is made: only now does the guest's handshake go on. */
  connected(): void;
  /** Nobody listens on the port: the guest's attempt is reset. */
  refused(): void;
  /** Bytes for the guest, copied before this returns; returns how many were taken. The rest is to be offered after `TcpStream.resume`. */
  data(bytes: Uint8Array, offset: number, length: number): number;
  /** The stream takes bytes again after `write` took less than it was offered. */
  writable(): void;
  /** The host has sent its last byte. */
  ended(): void;
  /** The host dropped the connection. */
  reset(): void;
}

export interface TcpConnector {
  /** The guest connects to `port` of 10.0.2.2; `undefined` refuses it at once. Called for at most 64 connections at a time. */
  connect(port: number, handlers: TcpHandlers): TcpStream | undefined;
}
