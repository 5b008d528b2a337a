import { expect } from 'chai';
import { TRANSFER_TYPE, URB_STATUS } from '../../base/index.js';
import { PacketView } from './pcapng-reader.js';
import { UsbRecord } from './usb-record.js';
import { type UsbmonPacket, usbmonBytes, usbPcapBytes } from './usb-test-packets.js';
import { decodeUsbmon, USBMON_SHORT_HEADER_BYTES } from './usbmon.js';
import { decodeUsbPcap } from './usbpcap.js';

/** The packet as a reader shows it: in the middle of a window. */
function viewOf(bytes: Uint8Array, length = bytes.length): PacketView {
  const packet = new PacketView();
  packet.bytes = new Uint8Array(bytes.length + 40).fill(0xee);
  packet.bytes.set(bytes, 20);
  packet.offset = 20;
  packet.length = length;
  packet.originalLength = bytes.length;
  packet.timeNs = 1_234_567_000;
  return packet;
}

function usbmon(fields: Partial<UsbmonPacket>, littleEndian = true, length?: number): UsbRecord | undefined {
  const record = new UsbRecord();
  return decodeUsbmon(viewOf(usbmonBytes(fields, littleEndian), length), littleEndian, record) ? record : undefined;
}

function dataOf({ bytes, offset, length }: UsbRecord): number[] {
  return [...bytes.subarray(offset, offset + length)];
}

const SETUP = Uint8Array.of(0x21, 9, 3, 2, 1, 0, 2, 0);

describe('decodeUsbmon', () => {
  it('reads every field in both byte orders', () => {
    for (const littleEndian of [true, false]) {
      const record = usbmon(
        {
          id: 0xffff_8d36_e976,
          transferType: TRANSFER_TYPE.control,
          setup: SETUP,
          bus: 0x0102,
          device: 44,
          interval: 8,
          data: [7, 8],
        },
        littleEndian,
      );
      expect(record).to.include({
        event: 'S',
        id: 0xffff_8d36_e976,
        transferType: TRANSFER_TYPE.control,
        endpointAddress: 0,
        bus: 0x0102,
        device: 44,
        timeNs: 1_234_567_000,
        status: URB_STATUS.inProgress,
        urbLength: 2,
        dataLength: 2,
        hasSetup: true,
        hasLength: true,
        interval: 8,
        isTruncated: false,
      });
      expect([...(record?.setup ?? [])]).to.deep.equal([...SETUP]);
      expect(record === undefined ? [] : dataOf(record)).to.deep.equal([7, 8]);
    }
  });

  it('tells what a submission asks for from what crosses the wire', () => {
    expect(usbmon({ transferType: 3, endpoint: 0x81, length: 512 })).to.include({ urbLength: 512, dataLength: 0 });
    const done = { event: 'C', transferType: 3 } as const;
    expect(usbmon({ ...done, endpoint: 0x02, length: 31 })).to.include({ urbLength: 31, dataLength: 0, status: 0 });
    expect(usbmon({ ...done, endpoint: 0x81, data: [1], status: -2 })).to.include({ dataLength: 1, status: -2 });
    expect(usbmon({ event: 'E', transferType: 3, endpoint: 0x02, status: -19 })).to.include({
      event: 'E',
      status: -19,
    });
  });

  it('calls a URB truncated that was cut by the ring, by the capture length, or not looked at', () => {
    const read = { event: 'C', transferType: 3, endpoint: 0x81 } as const;
    expect(usbmon({ ...read, length: 40, data: [1, 2] })).to.include({ isTruncated: true, length: 2, dataLength: 40 });
    expect(usbmon({ ...read, data: [1, 2, 3] }, true, 66)).to.include({ isTruncated: true, length: 2, dataLength: 3 });
    expect(usbmon({ ...read, length: 9, dataFlag: 0x44 })).to.include({ isTruncated: true, length: 0, dataLength: 9 });
    expect(usbmon({ ...read, data: [1, 2] })?.isTruncated).to.equal(false);
  });

  it('passes isochronous descriptors over, and takes a count without end for damage', () => {
    const record = usbmon({
      event: 'C',
      transferType: 0,
      endpoint: 0x81,
      isoDescriptors: 3,
      length: 2,
      data: [5, 6, 7],
    });
    expect(record === undefined ? [] : dataOf(record)).to.deep.equal([5, 6, 7]);
    expect(record?.isTruncated).to.equal(false);
    const bytes = usbmonBytes({ event: 'C', transferType: 0, endpoint: 0x81 });
    new DataView(bytes.buffer).setUint32(60, 0xffff_ffff, true);
    expect(decodeUsbmon(viewOf(bytes), true, new UsbRecord())).to.equal(false);
    new DataView(bytes.buffer).setUint32(60, 100, true);
    expect(decodeUsbmon(viewOf(bytes), true, new UsbRecord())).to.equal(true);
  });

  it('reads the header of 48 bytes too', () => {
    const long = usbmonBytes({ id: 5, transferType: 3, endpoint: 0x02, data: [1, 2] });
    const bytes = new Uint8Array(50);
    bytes.set(long.subarray(0, 48));
    bytes.set(long.subarray(64), 48);
    const record = new UsbRecord();
    expect(decodeUsbmon(viewOf(bytes), true, record, USBMON_SHORT_HEADER_BYTES)).to.equal(true);
    expect(record).to.include({ id: 5, urbLength: 2, isTruncated: false, interval: 0, flags: 0 });
    expect(dataOf(record)).to.deep.equal([1, 2]);
  });

  it('refuses what is no packet of this kind', () => {
    expect(usbmon({ event: 'X' })).to.equal(undefined);
    expect(usbmon({ transferType: 4 })).to.equal(undefined);
    expect(usbmon({}, true, 63)).to.equal(undefined);
  });
});

describe('decodeUsbPcap', () => {
  function usbPcap(packet: Parameters<typeof usbPcapBytes>[0], length?: number): UsbRecord | undefined {
    const record = new UsbRecord();
    return decodeUsbPcap(viewOf(usbPcapBytes(packet), length), record) ? record : undefined;
  }

  it('reads a transfer and says which lengths it does not tell', () => {
    const submit = usbPcap({ id: 0xdead_beef, transferType: 3, endpoint: 0x81 });
    expect(submit).to.include({ event: 'S', id: 0xdead_beef, bus: 1, device: 2, hasLength: false, dataLength: 0 });
    const done = usbPcap({ id: 1, transferType: 3, endpoint: 0x81, isComplete: true, data: [1, 2] });
    expect(done).to.include({ event: 'C', status: 0, hasLength: true, urbLength: 2, isTruncated: false });
    expect(usbPcap({ id: 1, transferType: 1, endpoint: 0x02, data: [1] })).to.include({
      hasLength: true,
      urbLength: 1,
    });
    expect(usbPcap({ id: 1, transferType: 1, endpoint: 0x02, isComplete: true })).to.include({ hasLength: false });
  });

  it('takes the SETUP packet out of the setup stage, with the data behind it', () => {
    const record = usbPcap({ id: 1, transferType: 2, endpoint: 0, stage: 0, data: [...SETUP, 5, 6] });
    expect(record).to.include({ hasSetup: true, endpointAddress: 0, urbLength: 2, dataLength: 2, hasLength: true });
    expect([...(record?.setup ?? [])]).to.deep.equal([...SETUP]);
    expect(record === undefined ? [] : dataOf(record)).to.deep.equal([5, 6]);
    const done = usbPcap({ id: 1, transferType: 2, endpoint: 0x80, stage: 3, isComplete: true, data: [9] });
    expect(done).to.include({ event: 'C', hasSetup: false, dataLength: 1 });
  });

  it('gives USBD_STATUS the names of ours', () => {
    const expected = [
      [0, URB_STATUS.ok],
      [0xc000_0004, URB_STATUS.stall],
      [0xc000_0030, URB_STATUS.stall],
      [0xc000_0008, URB_STATUS.overflow],
      [0xc000_0009, URB_STATUS.short],
      [0x8000_0300, URB_STATUS.invalid],
      [0xc000_7000, URB_STATUS.noDevice],
      [0xc001_0000, URB_STATUS.unlinked],
      [0xc000_0005, URB_STATUS.protocol],
    ] as const;
    for (const [status, ours] of expected)
      expect(usbPcap({ id: 1, transferType: 3, endpoint: 0x81, isComplete: true, status })?.status).to.equal(ours);
  });

  it('calls cut data truncated, and refuses what is no packet of this kind', () => {
    const packet = { id: 1, transferType: 3, endpoint: 0x81, isComplete: true, data: [1, 2, 3] } as const;
    expect(usbPcap(packet, 29)).to.include({ isTruncated: true, length: 2, dataLength: 3 });
    expect(usbPcap(packet, 26)).to.equal(undefined);
    expect(usbPcap({ ...packet, transferType: 7 })).to.equal(undefined);
    expect(usbPcap({ ...packet, transferType: 2 })).to.equal(undefined);
    expect(usbPcap({ ...packet, transferType: 2, stage: 0, isComplete: false })).to.equal(undefined);
  });
});
