/** Tests of the board's device tree against docs/guest-abi.md, and by dtc where it is installed. */

import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { VmmError } from '../errors.js';
import { BOARD } from './board-map.js';
import { type BoardDescription, buildBoardTree } from './board-tree.js';
import { cellsOf, nodeAt, type ReadNode, readDeviceTree, stringsOf } from './device-tree-test-reader.js';

const MIB = 1024 * 1024;
const RAM_END = BOARD.ram.base + 16 * MIB;
const PLAIN: BoardDescription = {
  xlen: 32,
  extensions: ['i', 'm', 'a', 'c', 'zicsr', 'zifencei'],
  ramBytes: 16 * MIB,
  hypercalls: false,
};
const RING = { kind: 'serial-ring', base: RAM_END - 0x3000, length: 0x2000, baudRate: 9600 } as const;
const BOARDS: Record<string, BoardDescription> = {
  plain: PLAIN,
  hosted: { ...PLAIN, hypercalls: true, acquisitions: [{ kind: 'ns16550a', index: 0, baudRate: 9600 }] },
  paravirtual: { ...PLAIN, hypercalls: true, acquisitions: [{ kind: 'virtio', index: 0, baudRate: 9600 }] },
  partitioned: {
    ...PLAIN,
    hypercalls: true,
    bootargs: 'console=ttyS0',
    acquisitions: [RING],
    reportRing: { base: RAM_END - 0x8000, length: 0x4200 },
  },
  supervisor: {
    ...PLAIN,
    xlen: 64,
    extensions: [...'imafdc', 'zicsr', 'zba'],
    supervisor: true,
    rtc: true,
    ramBytes: 8192 * MIB,
  },
};

function treeOf(name: keyof typeof BOARDS): ReadNode {
  return readDeviceTree(buildBoardTree(BOARDS[name]));
}

const dtcPresent = spawnSync('dtc', ['--version']).status === 0;

describe('buildBoardTree', () => {
  it('describes the devices of the board at their places', () => {
    const root = treeOf('plain');
    for (const [path, compatible, base, length] of [
      ['/soc/test@100000', 'sifive,test1', 0x10_0000, 0x1000],
      ['/soc/clint@2000000', 'sifive,clint0', 0x200_0000, 0x1_0000],
      ['/soc/plic@c000000', 'sifive,plic-1.0.0', 0xc00_0000, 0x60_0000],
      ['/soc/serial@10000000', 'ns16550a', 0x1000_0000, 0x100],
      ['/soc/virtio_mmio@10001000', 'virtio,mmio', 0x1000_1000, 0x1000],
      ['/soc/virtio_mmio@10008000', 'virtio,mmio', 0x1000_8000, 0x1000],
    ] as const) {
      expect(stringsOf(nodeAt(root, path), 'compatible')[0], path).to.equal(compatible);
      expect(cellsOf(nodeAt(root, path), 'reg'), path).to.deep.equal([0, base, 0, length]);
    }
    expect(cellsOf(nodeAt(root, '/memory@80000000'), 'reg')).to.deep.equal([0, 0x8000_0000, 0, 16 * MIB]);
    expect(cellsOf(nodeAt(root, '/cpus'), 'timebase-frequency')).to.deep.equal([10_000_000]);
  });

  it('wires interrupts: CLINT causes 3 and 7, PLIC context 0 to cause 11, sources 10 and 1 to 8', () => {
    const root = treeOf('plain');
    const [intc] = cellsOf(nodeAt(root, '/cpus/cpu@0/interrupt-controller'), 'phandle');
    const plic = nodeAt(root, '/soc/plic@c000000');
    expect(cellsOf(nodeAt(root, '/soc/clint@2000000'), 'interrupts-extended')).to.deep.equal([intc, 3, intc, 7]);
    expect(cellsOf(plic, 'interrupts-extended')).to.deep.equal([intc, 11]);
    expect(cellsOf(plic, 'riscv,ndev')).to.deep.equal([95]);
    const uart = nodeAt(root, '/soc/serial@10000000');
    expect([cellsOf(uart, 'interrupts'), cellsOf(uart, 'interrupt-parent')]).to.deep.equal([
      [10],
      cellsOf(plic, 'phandle'),
    ]);
    expect(cellsOf(nodeAt(root, '/soc/virtio_mmio@10008000'), 'interrupts')).to.deep.equal([8]);
  });

  it('adds the second PLIC context and an MMU for a hart with S mode', () => {
    const root = treeOf('supervisor');
    const [intc] = cellsOf(nodeAt(root, '/cpus/cpu@0/interrupt-controller'), 'phandle');
    expect(cellsOf(nodeAt(root, '/soc/plic@c000000'), 'interrupts-extended')).to.deep.equal([intc, 11, intc, 9]);
    expect(stringsOf(nodeAt(root, '/cpus/cpu@0'), 'mmu-type')).to.deep.equal(['riscv,sv39']);
    expect(cellsOf(nodeAt(root, '/memory@80000000'), 'reg')).to.deep.equal([0, 0x8000_0000, 2, 0]);
  });

  it('names the extensions in both ways, letters first', () => {
    const cpu = nodeAt(treeOf('supervisor'), '/cpus/cpu@0');
    expect(stringsOf(cpu, 'riscv,isa')).to.deep.equal(['rv64imafdc_zicsr_zba']);
    expect(stringsOf(cpu, 'riscv,isa-base')).to.deep.equal(['rv64i']);
    expect(stringsOf(cpu, 'riscv,isa-extensions')).to.deep.equal([...'imafdc', 'zicsr', 'zba']);
  });

  it('has a real-time clock, boot arguments, RAM disk and seed where they are', () => {
    const rngSeed = Uint8Array.of(1, 2, 3, 4);
    const board = {
      ...BOARDS.supervisor,
      bootargs: 'root=/dev/vda',
      initrd: { gpa: 0x1_8000_0000, length: 5 },
      rngSeed,
    };
    const root = readDeviceTree(buildBoardTree(board));
    const rtc = nodeAt(root, '/soc/rtc@101000');
    expect([cellsOf(rtc, 'interrupts'), stringsOf(rtc, 'compatible')]).to.deep.equal([[11], ['google,goldfish-rtc']]);
    const chosen = nodeAt(root, '/chosen');
    expect(stringsOf(chosen, 'bootargs')).to.deep.equal(['root=/dev/vda']);
    expect(cellsOf(chosen, 'linux,initrd-start')).to.deep.equal([1, 0x8000_0000]);
    expect(cellsOf(chosen, 'linux,initrd-end')).to.deep.equal([1, 0x8000_0005]);
    expect(chosen.properties.get('rng-seed')).to.deep.equal(rngSeed);
    expect(() => nodeAt(treeOf('plain'), '/soc/rtc@101000')).to.throw();
  });

  it('lets Linux power off and reboot through the test finisher', () => {
    const root = treeOf('plain');
    const regmap = cellsOf(nodeAt(root, '/soc/test@100000'), 'phandle');
    for (const [name, value] of [
      ['poweroff', 0x5555],
      ['reboot', 0x7777],
    ] as const) {
      const node = nodeAt(root, `/${name}`);
      expect(stringsOf(node, 'compatible')).to.deep.equal([`syscon-${name}`]);
      expect([cellsOf(node, 'regmap'), cellsOf(node, 'value')]).to.deep.equal([regmap, [value]]);
    }
  });

  it('has /hypervisor exactly when hypercalls are answered', () => {
    expect(treeOf('plain').children.some((node) => node.name === 'hypervisor')).to.equal(false);
    expect(stringsOf(nodeAt(treeOf('hosted'), '/hypervisor'), 'compatible')).to.deep.equal(['rigvisor,rig']);
  });

  it('announces the console, and no acquisition port where there is none', () => {
    const chosen = nodeAt(treeOf('plain'), '/chosen');
    expect([...chosen.properties.keys()]).to.deep.equal(['stdout-path']);
    expect(stringsOf(chosen, 'stdout-path')).to.deep.equal(['/soc/serial@10000000']);
  });

  for (const [name, compatible] of [
    ['hosted', 'ns16550a'],
    ['paravirtual', 'virtio,mmio'],
    ['partitioned', 'rigvisor,serial-ring'],
  ] as const) {
    it(`leads from /chosen to the acquisition port of a ${name} guest and its baud rate`, () => {
      const root = treeOf(name);
      const [path] = stringsOf(nodeAt(root, '/chosen'), 'rigvisor,acquisition');
      const node = nodeAt(root, path);
      expect(stringsOf(node, 'compatible')).to.deep.equal([compatible]);
      expect(cellsOf(node, 'current-speed')).to.deep.equal([9600]);
    });
  }

  for (const [what, acquisition, compatible, local] of [
    ['hosted', { kind: 'virtio', index: 0 }, 'virtio,mmio', false],
    ['partitioned', { kind: 'urb-ring', base: RING.base, length: RING.length }, 'rigvisor,urb-ring', true],
  ] as const) {
    it(`leads to the USB port of a ${what} guest, which has no baud rate`, () => {
      const root = readDeviceTree(buildBoardTree({ ...PLAIN, acquisitions: [acquisition] }));
      const [path] = stringsOf(nodeAt(root, '/chosen'), 'rigvisor,acquisition');
      const node = nodeAt(root, path);
      expect(stringsOf(node, 'compatible')).to.deep.equal([compatible]);
      expect(node.properties.has('current-speed')).to.equal(false);
      expect(node.properties.has('rigvisor,local-interrupt')).to.equal(local);
    });
  }

  for (const [what, acquisition, compatible, place] of [
    ['hosted', { kind: 'board-registers', length: 4096 }, 'rigvisor,daq-board', 0x0600_0000],
    ['partitioned', { kind: 'board-window', base: RING.base, length: 4096 }, 'rigvisor,daq-board-window', RING.base],
  ] as const) {
    it(`leads to the registers of a board of a ${what} guest`, () => {
      const root = readDeviceTree(buildBoardTree({ ...PLAIN, acquisitions: [acquisition] }));
      const [path] = stringsOf(nodeAt(root, '/chosen'), 'rigvisor,acquisition');
      const node = nodeAt(root, path);
      expect(stringsOf(node, 'compatible')).to.deep.equal([compatible]);
      expect(cellsOf(node, 'reg')).to.deep.equal([0, place, 0, 4096]);
      expect(node.properties.has('interrupts')).to.equal(what === 'hosted');
      expect(node.properties.has('rigvisor,local-interrupt')).to.equal(what === 'partitioned');
    });
  }

  it('places acquisition UARTs from 0x400_0000 on, with aliases behind the console', () => {
    const acquisitions = [0, 3].map((index) => ({ kind: 'ns16550a', index, baudRate: 4800 }) as const);
    const root = readDeviceTree(buildBoardTree({ ...PLAIN, acquisitions: [RING, ...acquisitions] }));
    expect(cellsOf(nodeAt(root, '/soc/serial@4003000'), 'interrupts')).to.deep.equal([67]);
    expect(cellsOf(nodeAt(root, '/soc/serial@4003000'), 'clock-frequency')).to.deep.equal([3_686_400]);
    const aliases = nodeAt(root, '/aliases');
    expect([0, 1, 2].flatMap((i) => stringsOf(aliases, `serial${i}`))).to.deep.equal([
      '/soc/serial@10000000',
      '/soc/serial@4000000',
      '/soc/serial@4003000',
    ]);
    expect(stringsOf(nodeAt(root, '/chosen'), 'rigvisor,acquisition')[0]).to.match(/serial-ring/);
  });

  it('reserves the rings of a partitioned guest', () => {
    const root = treeOf('partitioned');
    const reserved = nodeAt(root, '/reserved-memory');
    expect(reserved.children.map((node) => node.properties.has('no-map'))).to.deep.equal([true, true]);
    expect(cellsOf(reserved.children[0], 'reg')).to.deep.equal([0, RING.base, 0, RING.length]);
    expect(cellsOf(reserved.children[0], 'rigvisor,local-interrupt')).to.deep.equal([16]);
    const [path] = stringsOf(nodeAt(root, '/chosen'), 'rigvisor,report-ring');
    expect(stringsOf(nodeAt(root, path), 'compatible')).to.deep.equal(['rigvisor,report-ring']);
    expect(stringsOf(nodeAt(root, '/chosen'), 'bootargs')).to.deep.equal(['console=ttyS0']);
  });

  it('rejects places that the board does not have', () => {
    for (const [kind, index] of [
      ['virtio', 8],
      ['ns16550a', 16],
      ['ns16550a', -1],
      ['virtio', 0.5],
    ] as const)
      expect(() => buildBoardTree({ ...PLAIN, acquisitions: [{ kind, index, baudRate: 1 }] })).to.throw(VmmError, kind);
  });

  for (const name of Object.keys(BOARDS)) {
    it(`gives dtc no cause for a warning: ${name} (skipped without dtc)`, function () {
      if (!dtcPresent) {
        console.log('      dtc is not installed (Debian package device-tree-compiler)');
        this.skip();
      }
      const dtc = spawnSync('dtc', ['-I', 'dtb', '-O', 'dts', '-'], { input: buildBoardTree(BOARDS[name]) });
      expect(String(dtc.stderr)).to.equal('');
      expect(dtc.status).to.equal(0);
      expect(String(dtc.stdout)).to.contain('stdout-path = "/soc/serial@10000000";');
    });
  }
});
