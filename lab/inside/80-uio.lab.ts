/** A device behind the kernel's UIO: QEMU's `edu` on PCI (QEMU documentation, specs/edu), its registers and its interrupt. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { InterruptDescriptor } from '../../hal/board/mapped/interrupt-descriptor.js';
import { type MappedMemory, memoryCalls } from '../../hal/board/mapped/memory-calls.js';
import { UioDevice } from '../../hal/board/mapped/uio-device.js';
import { listUioBoards, openUioBoard } from '../../hal/index.js';
import { until } from './until.js';

const DRIVER = '/sys/bus/pci/drivers/uio_pci_generic';
const EDU = { vendor: 0x1234, device: 0x11e8, id: 0x0100_00ed } as const;
/** Offsets in BAR 0. */
const AT = { id: 0x00, liveness: 0x04, factorial: 0x08, status: 0x20, interrupt: 0x24, raise: 0x60, acknowledge: 0x64 };
const COMPUTING = 1;
const QUIET_MS = 500;

describe('UIO', () => {
  let device: UioDevice | undefined;
  let bar: MappedMemory | undefined;
  before(async function () {
    if (!existsSync(DRIVER)) {
      console.log('      the initial RAM disk has no uio_pci_generic: sh scripts/fetch-lab.sh');
      this.skip();
    }
    writeFileSync(`${DRIVER}/new_id`, `${EDU.vendor.toString(16)} ${EDU.device.toString(16)}`);
    await until('/dev/uio0', () => existsSync('/dev/uio0'));
  });
  after(() => {
    bar?.unmap();
    device?.close(false);
  });

  const read = (offset: number): number => Atomics.load(bar?.words ?? new Uint32Array(0), offset / 4);
  const write = (offset: number, value: number): void => {
    Atomics.store(bar?.words ?? new Uint32Array(0), offset / 4, value);
  };

  it('refuses a device that is no RV-DAQ16 by what its register says, and lets it go', () => {
    expect(listUioBoards()).to.deep.equal([{ device: 'uio0', driver: 'uio_pci_generic' }]);
    for (let times = 0; times < 2; times++)
      expect(() => openUioBoard({ device: '/dev/uio0' })).to.throw(
        'uio0 is no RV-DAQ16: register ID reads 010000ED, not 51445652',
      );
  });

  it('reads and writes registers of a PCI device in mapped memory', async () => {
    device = new UioDevice('uio0');
    expect([device.identity('vendor'), device.identity('device')]).to.deep.equal([EDU.vendor, EDU.device]);
    bar = device.map(0);
    expect(read(AT.id)).to.equal(EDU.id);
    write(AT.liveness, 0x1234_5678);
    expect(read(AT.liveness)).to.equal(0xedcb_a987);
    write(AT.factorial, 10);
    await until('the factorial', () => (read(AT.status) & COMPUTING) === 0);
    expect(read(AT.factorial)).to.equal(3_628_800);
  });

  it('gets each interrupt of the device once, and the next when it was let through again', async () => {
    if (device === undefined) throw new Error('the device is not open');
    const { fd } = device;
    const seen: number[] = [];
    let lost = false;
    const interrupts = new InterruptDescriptor({
      where: 'uio0',
      fd,
      calls: memoryCalls(),
      fired: () => {
        seen.push(read(AT.interrupt));
        write(AT.acknowledge, read(AT.interrupt));
        device?.rearm();
      },
      lost: () => {
        lost = true;
      },
    });
    interrupts.start();
    device.rearm();
    for (const value of [1, 0x40, 0x8000]) {
      const before = seen.length;
      write(AT.raise, value);
      await until('the interrupt', () => seen.length > before);
    }
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    interrupts.close();
    expect([seen, lost]).to.deep.equal([[1, 0x40, 0x8000], false]);
    expect(readFileSync('/proc/interrupts', 'utf8')).to.contain('uio_pci_generic');
  });
});
