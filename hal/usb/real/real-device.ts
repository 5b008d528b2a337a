/** A real USB device as WebUSB's `USBDevice`: the library in a process of its own, supervised, with the device given back in every case. */

import { HalError } from '../../errors.js';
import type { HostConnection, HostProvider } from '../../host-process/host-connection.js';
import { HostProcess, type HostProcessOptions } from '../../host-process/host-process.js';
import { UsbFieldsView } from './device-fields.js';
import { UsbDeviceState } from './device-state.js';
import type { UsbHotplugEvent, UsbOpenArguments, UsbRequests } from './protocol.js';
import { usbError } from './usb-errors.js';

export type UsbHost = HostConnection<UsbRequests, UsbHotplugEvent>;

export const USB_HOST_MODULE = new URL('./usb-program.js', import.meta.url);

/** The module that serves a device in a seat of a shared I/O process, or in the calling thread. */
export const USB_HOST = new URL('./usb-host.js', import.meta.url);

/** How long giving drivers back may take when a process ends by itself. */
export const USB_END_MS = 6_000;

const CONTROL_TIMEOUT_MS = 5_000;
/** Linux grants all of usbfs 16 MiB by default (usbcore.usbfs_memory_mb). */
export const MAX_TRANSFER_BYTES = 16 << 20;
const NOTHING = new Uint8Array(0);

/** How one transfer differs from WebUSB's, which has no end but its own. */
export interface UsbTransferOptions {
  /**
   * After so long the call rejects with `HAL_TIMEOUT` and `partial`, what had come. The transfer stays pending: its bytes
   * are the next read's, in order; a write may still go out.
   */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait in the same way, with `HAL_CLOSED`. */
  readonly signal?: AbortSignal | undefined;
}

export interface RealUsbDeviceOptions {
  readonly open: UsbOpenArguments;
  readonly host: Partial<Omit<HostProcessOptions, 'where'>>;
  readonly hosts?: HostProvider | undefined;
  readonly controlTimeoutMs: number | undefined;
}

/**
 * `open` takes the device's lock and starts its process; where that dies or hangs, every call waiting rejects with
 * `HAL_HOST_PROCESS`, drivers are given back, and `open` starts another. `claimInterface` detaches the kernel's driver,
 * `releaseInterface` and `close` attach it again.
 *
 * Errors: `HAL_CLOSED` before `open` and after `close`, `HAL_INVALID` (no such interface or endpoint, not claimed),
 * `HAL_IN_USE`, `HAL_DENIED` (with the udev rule), `HAL_DISCONNECTED`, `HAL_TIMEOUT` and `HAL_IO`, all with `partial`,
 * `HAL_UNSUPPORTED` (isochronous transfers). A stall is no error: `status` says so, and `babble` that the device sent more
 * than was asked for.
 */
export class RealUsbDevice extends UsbFieldsView implements USBDevice {
  readonly #options: RealUsbDeviceOptions;
  #state: UsbDeviceState;
  #host: UsbHost | undefined;
  /** Drivers were detached that a dead process could not give back. */
  #detached = false;
  #ticket = 0;
  #givenBack: Promise<void> = Promise.resolve();
  /** Told each time the process that owns the device is lost. */
  onLost: (error: HalError) => void = () => {};

  constructor(options: RealUsbDeviceOptions) {
    const { portPath, vendorId, productId } = options.open;
    super({ where: `usb:${portPath}`, vendorId, productId });
    this.#options = options;
    this.#state = new UsbDeviceState(this.identity.where, [], undefined);
  }

  get opened(): boolean {
    return this.#host !== undefined;
  }

  /** The process that owns the device. */
  get hostPid(): number | undefined {
    return this.#host?.pid;
  }

  /** Settles when what a dead process left has been given back. */
  get givenBack(): Promise<void> {
    return this.#givenBack;
  }

  get configuration(): USBConfiguration | null {
    return this.#state.configuration;
  }

  get configurations(): USBConfiguration[] {
    return this.#state.configurations;
  }

  async open(): Promise<void> {
    if (this.#host !== undefined) return;
    await this.#givenBack;
    const host = this.#start();
    this.#host = host;
    try {
      const opened = await host.request('open', this.#options.open);
      this.fields = opened.fields;
      this.#state = new UsbDeviceState(this.identity.where, opened.configurations, opened.configurationValue);
    } catch (error) {
      this.#host = undefined;
      await host.end();
      throw usbError(error, this.identity, 'open');
    }
  }

  /** Idempotent. What waits rejects with `HAL_CLOSED`. */
  async close(): Promise<void> {
    const host = this.#host;
    if (host === undefined) {
      await this.#givenBack;
      return;
    }
    this.#host = undefined;
    this.#state.unclaimAll();
    let failure: unknown;
    let busy = false;
    try {
      ({ busy } = await host.request('close', undefined));
    } catch (error) {
      failure = error;
    }
    await host.end();
    if (busy && this.#detached) this.#giveBack();
    this.#detached = false;
    await this.#givenBack;
    if (failure !== undefined) throw usbError(failure, this.identity, 'close');
  }

  /** WebUSB: takes back a permission of a web page; there is none here. */
  async forget(): Promise<void> {
    await this.close();
  }

  async reset(): Promise<void> {
    await this.#ask('reset', undefined);
  }

  async selectConfiguration(configurationValue: number): Promise<void> {
    this.#opening('selectConfiguration');
    this.#state.configurationOf(configurationValue);
    if (this.#state.configuration?.configurationValue === configurationValue) return;
    await this.#ask('selectConfiguration', configurationValue);
    this.#state.select(configurationValue);
    this.#detached = false;
  }

  async claimInterface(interfaceNumber: number): Promise<void> {
    this.#opening('claimInterface');
    const claimed = this.#state.interfaceOf(interfaceNumber);
    if (claimed.claimed) return;
    const { detached } = await this.#ask('claim', interfaceNumber);
    if (detached !== undefined) this.#detached = true;
    claimed.claimed = true;
  }

  async releaseInterface(interfaceNumber: number): Promise<void> {
    this.#opening('releaseInterface');
    const released = this.#state.interfaceOf(interfaceNumber);
    if (!released.claimed) return;
    released.claimed = false;
    await this.#ask('release', interfaceNumber);
  }

  async selectAlternateInterface(interfaceNumber: number, alternateSetting: number): Promise<void> {
    this.#opening('selectAlternateInterface');
    const claimed = this.#state.claimedInterface(interfaceNumber);
    const alternate = claimed.alternates.find((each) => each.alternateSetting === alternateSetting);
    if (alternate === undefined)
      throw new HalError(
        'HAL_INVALID',
        `${this.identity.where} interface ${interfaceNumber} has no alternate setting ${alternateSetting}`,
        { where: this.identity.where },
      );
    await this.#ask('alternate', { interfaceNumber, alternateSetting });
    claimed.alternate = alternate;
  }

  async clearHalt(direction: USBDirection, endpointNumber: number): Promise<void> {
    this.#opening('clearHalt');
    this.#state.endpointOf(direction, endpointNumber);
    await this.#ask('clearHalt', { direction, endpointNumber });
  }

  async controlTransferIn(setup: USBControlTransferParameters, length: number): Promise<USBInTransferResult> {
    this.#opening('controlTransferIn');
    this.#state.checkRecipient(setup);
    this.#checkLength(length, 0xffff);
    const timeoutMs = this.#options.controlTimeoutMs ?? CONTROL_TIMEOUT_MS;
    const { status, data } = await this.#ask('controlIn', { setup: setupOf(setup), length, timeoutMs }, timeoutMs * 2);
    return inResult(status, data);
  }

  async controlTransferOut(
    setup: USBControlTransferParameters,
    data?: ArrayBuffer | ArrayBufferView,
  ): Promise<USBOutTransferResult> {
    this.#opening('controlTransferOut');
    this.#state.checkRecipient(setup);
    const bytes = data === undefined ? NOTHING : bytesOf(data);
    this.#checkLength(bytes.length, 0xffff);
    const timeoutMs = this.#options.controlTimeoutMs ?? CONTROL_TIMEOUT_MS;
    return this.#ask('controlOut', { setup: setupOf(setup), data: bytes, timeoutMs }, timeoutMs * 2);
  }

  async transferIn(
    endpointNumber: number,
    length: number,
    options: UsbTransferOptions = {},
  ): Promise<USBInTransferResult> {
    this.#opening('transferIn');
    const { packetSize, type } = this.#state.endpointOf('in', endpointNumber);
    this.#refuseIsochronous(type);
    this.#checkLength(length, MAX_TRANSFER_BYTES);
    const ticket = ++this.#ticket;
    const { status, data } = await this.#abortable(ticket, options.signal, () =>
      this.#ask(
        'transferIn',
        { ticket, endpointNumber, packetSize, length, timeoutMs: options.timeoutMs },
        Number.POSITIVE_INFINITY,
      ),
    );
    return inResult(status, data);
  }

  async transferOut(
    endpointNumber: number,
    data: ArrayBuffer | ArrayBufferView,
    options: UsbTransferOptions = {},
  ): Promise<USBOutTransferResult> {
    this.#opening('transferOut');
    const { type } = this.#state.endpointOf('out', endpointNumber);
    this.#refuseIsochronous(type);
    const bytes = bytesOf(data);
    this.#checkLength(bytes.length, MAX_TRANSFER_BYTES);
    const ticket = ++this.#ticket;
    return this.#abortable(ticket, options.signal, () =>
      this.#ask(
        'transferOut',
        { ticket, endpointNumber, data: bytes, timeoutMs: options.timeoutMs },
        Number.POSITIVE_INFINITY,
      ),
    );
  }

  /** The library has no isochronous transfers. */
  async isochronousTransferIn(): Promise<USBIsochronousInTransferResult> {
    throw this.#isochronous();
  }

  async isochronousTransferOut(): Promise<USBIsochronousOutTransferResult> {
    throw this.#isochronous();
  }

  async #abortable<T>(ticket: number, signal: AbortSignal | undefined, transfer: () => Promise<T>): Promise<T> {
    if (signal === undefined) return transfer();
    const abort = (): void => {
      this.#host?.request('cancel', ticket).catch(() => {});
    };
    const pending = transfer();
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await pending;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async #ask<Op extends keyof UsbRequests & string>(
    op: Op,
    args: UsbRequests[Op]['args'],
    deadlineMs?: number,
  ): Promise<UsbRequests[Op]['answer']> {
    const host = this.#opening(op);
    try {
      return await host.request(op, args, deadlineMs);
    } catch (error) {
      // What was ended by `close` is closed, whatever its process said.
      const closed = this.#host !== host && (error as HalError).code === 'HAL_HOST_PROCESS' && !this.#lost.has(host);
      throw closed ? this.#closed(op) : usbError(error, this.identity, op);
    }
  }

  readonly #lost = new WeakSet<UsbHost>();

  #start(): UsbHost {
    const { where } = this.identity;
    const host: UsbHost =
      this.#options.hosts?.connect(USB_HOST, where) ??
      new HostProcess({ module: USB_HOST_MODULE, endMs: USB_END_MS, ...this.#options.host, where });
    host.onLost = (error) => this.#lose(host, error);
    return host;
  }

  #lose(host: UsbHost, error: HalError): void {
    this.#lost.add(host);
    if (this.#host !== host) return;
    this.#host = undefined;
    this.#state.unclaimAll();
    if (this.#detached) this.#giveBack();
    this.#detached = false;
    this.onLost(error);
  }

  /** The lock that a dead process left says which drivers it owed: whoever opens and closes the device gives them back. */
  #giveBack(): void {
    const heir = this.#start();
    heir.onLost = () => {};
    this.#givenBack = heir
      .request('open', this.#options.open)
      .then(() => heir.request('close', undefined))
      // The device may be gone, or another process may have it, and owes it now.
      .catch(() => {})
      .then(() => heir.end());
  }

  #opening(what: string): UsbHost {
    if (this.#host === undefined) throw this.#closed(what);
    return this.#host;
  }

  #closed(what: string): HalError {
    const { where } = this.identity;
    return new HalError('HAL_CLOSED', `${what}: ${where} is closed`, { where });
  }

  #checkLength(length: number, limit: number): void {
    if (Number.isInteger(length) && length >= 0 && length <= limit) return;
    const { where } = this.identity;
    throw new HalError('HAL_INVALID', `${where}: ${length} is no length from 0 to ${limit} bytes`, { where });
  }

  #refuseIsochronous(type: USBEndpointType): void {
    if (type === 'isochronous') throw this.#isochronous();
  }

  #isochronous(): HalError {
    const { where } = this.identity;
    return new HalError('HAL_UNSUPPORTED', `${where}: isochronous transfers are not supported by the USB library`, {
      where,
      hint: 'Use an alternate setting with bulk or interrupt endpoints where the device has one.',
    });
  }
}

/** Without the methods and getters of the object that was given. */
function setupOf(setup: USBControlTransferParameters): USBControlTransferParameters {
  const { requestType, recipient, request, value, index } = setup;
  return { requestType, recipient, request, value, index };
}

function inResult(status: USBTransferStatus, data: Uint8Array): USBInTransferResult {
  return { status, data: new DataView(data.buffer, data.byteOffset, data.byteLength) };
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
