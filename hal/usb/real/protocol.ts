/** What a rig process and the process that owns a real USB device ask and answer. */

/** Which device, and where things are; tests give another library and another sysfs. */
export interface UsbOpenArguments {
  readonly portPath: string;
  readonly busNumber: number;
  readonly deviceAddress: number;
  readonly vendorId: number;
  readonly productId: number;
  readonly nativeModule: string;
  readonly sysfs: string;
  readonly locks: string;
}

/** The fields of a `USBDevice` that do not change. */
export type UsbDeviceFields = Pick<
  USBDevice,
  | 'vendorId'
  | 'productId'
  | 'usbVersionMajor'
  | 'usbVersionMinor'
  | 'usbVersionSubminor'
  | 'deviceVersionMajor'
  | 'deviceVersionMinor'
  | 'deviceVersionSubminor'
  | 'deviceClass'
  | 'deviceSubclass'
  | 'deviceProtocol'
  | 'manufacturerName'
  | 'productName'
  | 'serialNumber'
>;

export interface UsbAlternateFields {
  readonly alternateSetting: number;
  readonly interfaceClass: number;
  readonly interfaceSubclass: number;
  readonly interfaceProtocol: number;
  readonly interfaceName: string | null;
  readonly endpoints: readonly USBEndpoint[];
}

/** A configuration as the device describes it, with the alternate settings that are active. */
export interface UsbConfigurationFields {
  readonly configurationValue: number;
  readonly configurationName: string | null;
  readonly interfaces: readonly {
    readonly interfaceNumber: number;
    readonly alternateSetting: number;
    readonly alternates: readonly UsbAlternateFields[];
  }[];
}

export interface OpenedUsbFields {
  readonly fields: UsbDeviceFields;
  readonly configurations: readonly UsbConfigurationFields[];
  /** Undefined while the device has no active configuration. */
  readonly configurationValue: number | undefined;
}

export interface UsbInArguments {
  readonly ticket: number;
  readonly endpointNumber: number;
  readonly packetSize: number;
  readonly length: number;
  /** Undefined: as long as it takes. */
  readonly timeoutMs: number | undefined;
}

export interface UsbOutArguments {
  readonly ticket: number;
  readonly endpointNumber: number;
  readonly data: Uint8Array;
  readonly timeoutMs: number | undefined;
}

export interface UsbInAnswer {
  readonly status: USBTransferStatus;
  readonly data: Uint8Array;
}

export interface UsbOutAnswer {
  readonly status: USBTransferStatus;
  readonly bytesWritten: number;
}

export interface UsbRequests {
  /** Devices by the library, for systems without sysfs. */
  list: { args: { nativeModule: string }; answer: (UsbDeviceFields & UsbPlace)[] };
  open: { args: UsbOpenArguments; answer: OpenedUsbFields };
  selectConfiguration: { args: number; answer: undefined };
  /** Answers whether a kernel driver had to be detached. */
  claim: { args: number; answer: { detached: string | undefined } };
  release: { args: number; answer: undefined };
  alternate: { args: { interfaceNumber: number; alternateSetting: number }; answer: undefined };
  controlIn: {
    args: { setup: USBControlTransferParameters; length: number; timeoutMs: number };
    answer: UsbInAnswer;
  };
  controlOut: {
    args: { setup: USBControlTransferParameters; data: Uint8Array; timeoutMs: number };
    answer: UsbOutAnswer;
  };
  transferIn: { args: UsbInArguments; answer: UsbInAnswer };
  transferOut: { args: UsbOutArguments; answer: UsbOutAnswer };
  /** Ends the wait for a transfer; it rejects with what had come, unless it is done. */
  cancel: { args: number; answer: undefined };
  clearHalt: { args: { direction: USBDirection; endpointNumber: number }; answer: undefined };
  reset: { args: undefined; answer: undefined };
  /**
   * Gives everything back. `busy`: transfers that the library cannot take back keep the device, so that it comes free,
   * and the kernel's drivers with it, only when the process ends.
   */
  close: { args: undefined; answer: { busy: boolean } };
  /** Listens to the library's hot-plug events; answers why it cannot, where it cannot. */
  watch: { args: { nativeModule: string; sysfs: string }; answer: { reason: string | undefined } };
}

/** Where the library says that a device is. */
export interface UsbPlace {
  readonly busNumber: number;
  readonly deviceAddress: number;
  readonly ports: readonly number[];
  readonly speed: string | undefined;
}

/** Something was plugged in or pulled out. */
export interface UsbHotplugEvent {
  readonly hotplug: true;
}
