/** Shows any USB port as a WebUSB `USBDevice` (WebUSB API, section "Device Usage"), for programs that know that interface. */

import { type Clock, ENDPOINT_IN, TRANSFER_TYPE, URB_STATUS } from '../../base/index.js';
import { HalError } from '../errors.js';
import { parseDevice, type UsbAlternate, type UsbEndpoint } from './descriptors.js';
import { EndpointTable } from './endpoint-table.js';
import { RECIPIENT, REQUEST_TYPE, STANDARD_REQUEST } from './setup-packet.js';
import { type TransferResult, Transfers } from './transfers.js';
import type { UsbPort } from './usb-port.js';

/** How one transfer differs from WebUSB's, which waits for ever. */
export interface TransferWaitOptions {
  /** After so long the call rejects with `HAL_TIMEOUT` and the bytes that came as `partial`. */
  readonly timeoutMs?: number | undefined;
}

export interface PortDeviceOptions {
  readonly clock: Clock;
}

const ENDPOINT_TYPES = { [TRANSFER_TYPE.bulk]: 'bulk', [TRANSFER_TYPE.interrupt]: 'interrupt' } as const;
const MOST_TRANSFER_BYTES = 16 << 20;
const REQUEST_TYPES = {
  standard: REQUEST_TYPE.standard,
  class: REQUEST_TYPE.class,
  vendor: REQUEST_TYPE.vendor,
} as const;

/**
 * Every rejection is a `HalError`: `HAL_CLOSED`, `HAL_INVALID`, `HAL_DISCONNECTED` and `HAL_IO` with what had come as
 * `partial`, `HAL_TIMEOUT`, `HAL_UNSUPPORTED`. A stall and a babble are results, as WebUSB says. Any number of transfers
 * may wait for one endpoint; they are executed in order.
 */
export class PortUsbDevice implements USBDevice {
  readonly usbVersionMajor: number;
  readonly usbVersionMinor: number;
  readonly usbVersionSubminor: number;
  readonly deviceClass: number;
  readonly deviceSubclass: number;
  readonly deviceProtocol: number;
  readonly vendorId: number;
  readonly productId: number;
  readonly deviceVersionMajor: number;
  readonly deviceVersionMinor: number;
  readonly deviceVersionSubminor: number;
  readonly manufacturerName: string | null;
  readonly productName: string | null;
  readonly serialNumber: string | null;
  readonly configurations: USBConfiguration[];
  configuration: USBConfiguration | null = null;
  opened = false;
  readonly #port: UsbPort;
  readonly #transfers: Transfers;
  readonly #table: EndpointTable;
  readonly #claimed = new Set<number>();
  #ended = false;

  constructor(port: UsbPort, { clock }: PortDeviceOptions) {
    const { device, strings } = port.description;
    const fields = parseDevice(device);
    this.usbVersionMajor = fields.bcdUSB >> 8;
    this.usbVersionMinor = (fields.bcdUSB >> 4) & 0x0f;
    this.usbVersionSubminor = fields.bcdUSB & 0x0f;
    this.deviceClass = fields.bDeviceClass;
    this.deviceSubclass = fields.bDeviceSubClass;
    this.deviceProtocol = fields.bDeviceProtocol;
    this.vendorId = fields.idVendor;
    this.productId = fields.idProduct;
    this.deviceVersionMajor = fields.bcdDevice >> 8;
    this.deviceVersionMinor = (fields.bcdDevice >> 4) & 0x0f;
    this.deviceVersionSubminor = fields.bcdDevice & 0x0f;
    this.manufacturerName = strings.get(fields.iManufacturer) ?? null;
    this.productName = strings.get(fields.iProduct) ?? null;
    this.serialNumber = strings.get(fields.iSerialNumber) ?? null;
    this.#port = port;
    this.#table = new EndpointTable(port.description);
    this.configurations = this.#table.configurations.map(({ value, nameIndex, interfaces }) => ({
      configurationValue: value,
      configurationName: strings.get(nameIndex) ?? null,
      interfaces: interfaces.map(({ number, alternates }) => this.#interface(number, alternates)),
    }));
    this.#transfers = new Transfers(port, clock);
  }

  async open(): Promise<void> {
    if (this.#ended) throw this.#closed('open');
    this.#present();
    this.opened = true;
  }

  /** The port ends with it: it cannot be opened again. Idempotent. */
  async close(): Promise<void> {
    this.opened = false;
    this.#ended = true;
    this.#claimed.clear();
    this.#port.close();
  }

  async forget(): Promise<void> {
    await this.close();
  }

  async reset(): Promise<void> {
    this.#opening('reset');
    this.#port.reset();
    const value = this.#table.configurationValue;
    this.#table.configure(0);
    if (value !== 0) await this.#configure(value);
  }

  async selectConfiguration(configurationValue: number): Promise<void> {
    this.#opening('selectConfiguration');
    const found = this.configurations.find((each) => each.configurationValue === configurationValue);
    if (found === undefined) throw this.#invalid(`has no configuration ${configurationValue}`);
    await this.#configure(configurationValue);
    this.#claimed.clear();
    this.configuration = found;
  }

  async claimInterface(interfaceNumber: number): Promise<void> {
    this.#opening('claimInterface');
    this.#interfaceOf(interfaceNumber);
    this.#claimed.add(interfaceNumber);
  }

  async releaseInterface(interfaceNumber: number): Promise<void> {
    this.#opening('releaseInterface');
    this.#interfaceOf(interfaceNumber);
    this.#claimed.delete(interfaceNumber);
  }

  async selectAlternateInterface(interfaceNumber: number, alternateSetting: number): Promise<void> {
    this.#opening('selectAlternateInterface');
    this.#needClaim(interfaceNumber);
    const found = this.#interfaceOf(interfaceNumber);
    const alternate = found.alternates.find((each) => each.alternateSetting === alternateSetting);
    if (alternate === undefined)
      throw this.#invalid(`interface ${interfaceNumber} has no alternate setting ${alternateSetting}`);
    await this.#standard(RECIPIENT.interface, STANDARD_REQUEST.setInterface, alternateSetting, interfaceNumber);
    this.#table.setInterface(interfaceNumber, alternateSetting);
  }

  async clearHalt(direction: USBDirection, endpointNumber: number): Promise<void> {
    this.#opening('clearHalt');
    const { address } = this.#endpoint(direction, endpointNumber);
    await this.#standard(RECIPIENT.endpoint, STANDARD_REQUEST.clearFeature, 0, address);
  }

  async controlTransferIn(
    setup: USBControlTransferParameters,
    length: number,
    options: TransferWaitOptions = {},
  ): Promise<USBInTransferResult> {
    this.#opening('controlTransferIn');
    this.#checkLength(length, 0xffff);
    const fields = { ...this.#fields(setup), wLength: length };
    const request = { ...fields, bmRequestType: fields.bmRequestType | ENDPOINT_IN };
    return this.#inResult(await this.#transfers.control(request, undefined, options.timeoutMs));
  }

  async controlTransferOut(
    setup: USBControlTransferParameters,
    data?: ArrayBuffer | ArrayBufferView,
    options: TransferWaitOptions = {},
  ): Promise<USBOutTransferResult> {
    this.#opening('controlTransferOut');
    const bytes = data === undefined ? new Uint8Array(0) : bytesOf(data);
    this.#checkLength(bytes.length, 0xffff);
    const request = { ...this.#fields(setup), wLength: bytes.length };
    return this.#outResult(await this.#transfers.control(request, bytes, options.timeoutMs));
  }

  async transferIn(
    endpointNumber: number,
    length: number,
    options: TransferWaitOptions = {},
  ): Promise<USBInTransferResult> {
    this.#opening('transferIn');
    const { address, transferType } = this.#endpoint('in', endpointNumber);
    this.#checkLength(length, MOST_TRANSFER_BYTES);
    return this.#inResult(await this.#transfers.in(transferType, address, length, options.timeoutMs));
  }

  async transferOut(
    endpointNumber: number,
    data: ArrayBuffer | ArrayBufferView,
    options: TransferWaitOptions = {},
  ): Promise<USBOutTransferResult> {
    this.#opening('transferOut');
    const { address, transferType } = this.#endpoint('out', endpointNumber);
    const bytes = bytesOf(data).slice();
    this.#checkLength(bytes.length, MOST_TRANSFER_BYTES);
    return this.#outResult(await this.#transfers.out(transferType, address, bytes, options.timeoutMs));
  }

  async isochronousTransferIn(): Promise<USBIsochronousInTransferResult> {
    throw this.#isochronous();
  }

  async isochronousTransferOut(): Promise<USBIsochronousOutTransferResult> {
    throw this.#isochronous();
  }

  #interface(number: number, alternates: readonly UsbAlternate[]): USBInterface {
    const shown = alternates.map((alternate) => ({
      alternateSetting: alternate.alternateSetting,
      interfaceClass: alternate.interfaceClass,
      interfaceSubclass: alternate.interfaceSubclass,
      interfaceProtocol: alternate.interfaceProtocol,
      interfaceName: this.#port.description.strings.get(alternate.nameIndex) ?? null,
      endpoints: alternate.endpoints.flatMap(shownEndpoint),
    }));
    const isClaimed = (): boolean => this.#claimed.has(number) && this.configuration !== null;
    const current = (): USBAlternateInterface =>
      shown.find((each) => each.alternateSetting === this.#table.alternateOf(number)?.alternateSetting) ?? shown[0];
    return {
      interfaceNumber: number,
      alternates: shown,
      get claimed() {
        return isClaimed();
      },
      get alternate() {
        return current();
      },
    };
  }

  async #configure(value: number): Promise<void> {
    await this.#standard(RECIPIENT.device, STANDARD_REQUEST.setConfiguration, value, 0);
    this.#table.configure(value);
  }

  async #standard(recipient: number, bRequest: number, wValue: number, wIndex: number): Promise<void> {
    const fields = { bmRequestType: recipient, bRequest, wValue, wIndex, wLength: 0 };
    const result = await this.#transfers.control(fields);
    if (result.status === URB_STATUS.stall) throw this.#error('HAL_STALL', 'refuses the request');
    if (result.status !== URB_STATUS.ok) throw this.#failure(result);
  }

  #fields(setup: USBControlTransferParameters): {
    readonly bmRequestType: number;
    readonly bRequest: number;
    readonly wValue: number;
    readonly wIndex: number;
  } {
    if (setup.recipient === 'interface') this.#needClaim(setup.index & 0xff);
    return {
      bmRequestType: REQUEST_TYPES[setup.requestType] | RECIPIENT[setup.recipient],
      bRequest: setup.request,
      wValue: setup.value,
      wIndex: setup.index,
    };
  }

  #interfaceOf(interfaceNumber: number): USBInterface {
    const found = this.configuration?.interfaces.find((each) => each.interfaceNumber === interfaceNumber);
    if (found === undefined) throw this.#invalid(`has no interface ${interfaceNumber} in its configuration`);
    return found;
  }

  #needClaim(interfaceNumber: number): void {
    this.#interfaceOf(interfaceNumber);
    if (!this.#claimed.has(interfaceNumber)) throw this.#invalid(`interface ${interfaceNumber} is not claimed`);
  }

  #endpoint(direction: USBDirection, endpointNumber: number): UsbEndpoint {
    const address = endpointNumber | (direction === 'in' ? ENDPOINT_IN : 0);
    for (const number of this.#claimed) {
      const found = this.#table.alternateOf(number)?.endpoints.find((endpoint) => endpoint.address === address);
      if (found === undefined) continue;
      if (found.transferType === TRANSFER_TYPE.isochronous) throw this.#isochronous();
      return found;
    }
    throw this.#invalid(`has no claimed endpoint ${endpointNumber} ${direction}`);
  }

  #inResult(result: TransferResult): USBInTransferResult {
    const status = this.#statusOf(result);
    const { data } = result;
    return { status, data: new DataView(data.buffer, data.byteOffset, data.byteLength) };
  }

  #outResult(result: TransferResult): USBOutTransferResult {
    return { status: this.#statusOf(result), bytesWritten: result.actualLength };
  }

  #statusOf(result: TransferResult): USBTransferStatus {
    if (result.status === URB_STATUS.ok) return 'ok';
    if (result.status === URB_STATUS.stall) return 'stall';
    if (result.status === URB_STATUS.overflow) return 'babble';
    throw this.#failure(result);
  }

  #failure({ status, data }: TransferResult): HalError {
    const details = { where: this.#port.name, partial: data };
    if (status === URB_STATUS.shutdown || status === URB_STATUS.noDevice) {
      if (this.#ended) return new HalError('HAL_CLOSED', `${this.#port.name} was closed`, details);
      return new HalError('HAL_DISCONNECTED', `${this.#port.name} is gone`, {
        ...details,
        cause: this.#transfers.lost,
      });
    }
    if (status === URB_STATUS.unlinked)
      return new HalError('HAL_IO', `a transfer of ${this.#port.name} was ended by a reset`, details);
    return new HalError('HAL_IO', `a transfer of ${this.#port.name} failed with status ${status}`, details);
  }

  #checkLength(length: number, limit: number): void {
    if (Number.isInteger(length) && length >= 0 && length <= limit) return;
    throw this.#invalid(`${length} is no length from 0 to ${limit} bytes`);
  }

  #opening(what: string): void {
    if (!this.opened) throw this.#closed(what);
    this.#present();
  }

  #present(): void {
    if (!this.#transfers.present)
      throw new HalError('HAL_DISCONNECTED', `${this.#port.name} is gone`, {
        where: this.#port.name,
        cause: this.#transfers.lost,
      });
  }

  #closed(what: string): HalError {
    return this.#error('HAL_CLOSED', `is closed: ${what}`);
  }

  #invalid(what: string): HalError {
    return this.#error('HAL_INVALID', what);
  }

  #isochronous(): HalError {
    return this.#error('HAL_UNSUPPORTED', 'has no isochronous transfers here');
  }

  #error(code: HalError['code'], what: string): HalError {
    return new HalError(code, `${this.#port.name} ${what}`, { where: this.#port.name });
  }
}

function shownEndpoint({ address, transferType, maxPacketBytes }: UsbEndpoint): USBEndpoint[] {
  if (transferType === TRANSFER_TYPE.control) return [];
  return [
    {
      endpointNumber: address & 0x0f,
      direction: (address & ENDPOINT_IN) !== 0 ? 'in' : 'out',
      type: transferType === TRANSFER_TYPE.isochronous ? 'isochronous' : ENDPOINT_TYPES[transferType],
      packetSize: maxPacketBytes,
    },
  ];
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

/** The device must still be opened; the port is its own from now on. */
export function usbDeviceFromPort(port: UsbPort, options: PortDeviceOptions): PortUsbDevice {
  return new PortUsbDevice(port, options);
}
