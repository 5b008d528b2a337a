/**
 * The part of package `usb` 3 that is used, and how it is loaded. The `native…` methods are called because the package's
 * own wrappers show a whole buffer where the library may hand out a piece of one, and set a time-out that drops data.
 */

export interface NativeUsbDevice {
  readonly vendorId: number;
  readonly productId: number;
  readonly usbVersionMajor: number;
  readonly usbVersionMinor: number;
  readonly usbVersionSubminor: number;
  readonly deviceVersionMajor: number;
  readonly deviceVersionMinor: number;
  readonly deviceVersionSubminor: number;
  readonly deviceClass: number;
  readonly deviceSubclass: number;
  readonly deviceProtocol: number;
  readonly bus: string;
  readonly address: number;
  readonly ports: readonly number[];
  readonly speed?: string;
  /** These open a closed device, and throw where that fails. */
  readonly manufacturerName: string | null;
  readonly productName: string | null;
  readonly serialNumber: string | null;
  readonly configuration: USBConfiguration;
  readonly configurations: readonly USBConfiguration[];
  open(): Promise<void>;
  close(): Promise<void>;
  reset(): Promise<void>;
  selectConfiguration(configurationValue: number): Promise<void>;
  claimInterface(interfaceNumber: number): Promise<void>;
  releaseInterface(interfaceNumber: number): Promise<void>;
  selectAlternateInterface(interfaceNumber: number, alternateSetting: number): Promise<void>;
  clearHalt(direction: USBDirection, endpointNumber: number): Promise<void>;
  detachKernelDriver(interfaceNumber: number): Promise<void>;
  attachKernelDriver(interfaceNumber: number): Promise<void>;
  nativeControlTransferIn(
    setup: USBControlTransferParameters,
    timeoutMs: number,
    length: number,
  ): Promise<Uint8Array | null>;
  nativeControlTransferOut(setup: USBControlTransferParameters, timeoutMs: number, data: Uint8Array): Promise<number>;
  nativeTransferIn(endpointNumber: number, timeoutMs: number, length: number): Promise<Uint8Array | null>;
  nativeTransferOut(endpointNumber: number, timeoutMs: number, data: Uint8Array): Promise<number>;
}

export interface NativeUsb {
  getDevices(): Promise<NativeUsbDevice[]>;
  addEventListener(type: 'connect' | 'disconnect', listener: () => void): void;
}

/** Loads the library, or what stands for it in a test. Rejects with a sentence where its native part does not load. */
export async function loadNativeUsb(module: string): Promise<NativeUsb> {
  const loaded = (await import(module)) as { usb?: NativeUsb; default?: { usb?: NativeUsb } };
  const usb = loaded.usb ?? loaded.default?.usb;
  if (usb === undefined) throw new Error(`the package ${module} offers no USB`);
  return usb;
}
