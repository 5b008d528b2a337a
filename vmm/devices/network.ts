/** What a network device model is to the network behind it: Ethernet frames both ways, never more. */

/** Longest Ethernet frame without its check sequence: 14 bytes of header and 1,500 of payload (IEEE 802.3, section 3.2.7). */
export const FRAME_BYTES = 1514;
/** Destination, source and type. */
export const FRAME_HEADER_BYTES = 14;

/** The network, seen from the device. */
export interface NetworkBackend {
  /**
   * The guest sent a frame: the first `length` bytes of `frame`, from 14 to `FRAME_BYTES`, which are valid during the
   * call alone. Never throws, whatever the frame holds.
   */
  transmit(frame: Uint8Array, length: number): void;
}

/** The device, seen from the network. */
export interface NetworkFrontend {
  attach(backend: NetworkBackend): void;
  /**
   * A frame for the guest: the first `length` bytes of `frame`, copied before this returns. False when it is dropped,
   * because no driver runs, the queue is full, or the length is not one of a frame. Never calls the backend.
   */
  receive(frame: Uint8Array, length: number): boolean;
}
