/** Tests of opening boards behind UIO, on folders and files in the place of a kernel's. */

import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { DAQ_ID, DAQ_REGISTER } from '../../simulators/daq-board/registers.js';
import { TestBoardHost } from '../test-board-host.js';
import { LEAST_DMA_BYTES } from './bounce-ring.js';
import { listUioBoards, openUioBoard } from './uio-board.js';

const PAGE = 4096;
const NOT_HERE = process.platform === 'linux' ? '' : ' (pending: needs Linux)';

describe(`board behind UIO${NOT_HERE}`, () => {
  let root: string;
  let dev: string;
  let sysfs: string;
  before(function () {
    if (NOT_HERE !== '') this.skip();
  });
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'rigvisor-uio-'));
    dev = join(root, 'dev');
    sysfs = join(root, 'class');
    mkdirSync(dev);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const write = (path: string, text: string): void => {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, `${text}\n`);
  };
  /** A file that maps as a device does: page 0 the registers, page 1 on the DMA memory. */
  const makeDevice = (registers: Record<number, number>, dmaBytes = LEAST_DMA_BYTES, name = 'uio3'): void => {
    const page = Buffer.alloc(PAGE);
    for (const [offset, value] of Object.entries(registers)) page.writeUInt32LE(value, Number(offset));
    writeFileSync(join(dev, name), page);
    truncateSync(join(dev, name), PAGE + dmaBytes);
    const folder = join(sysfs, 'uio', name);
    write(join(folder, 'name'), 'rv-daq16');
    write(join(folder, 'device', 'vendor'), '0x1234');
    const maps: [number, number][] = [
      [0xfebf_0000, PAGE],
      [0x1_4000_0000, dmaBytes],
    ];
    for (const [index, [address, bytes]] of maps.entries()) {
      const map = join(folder, 'maps', `map${index}`);
      write(join(map, 'addr'), `0x${address.toString(16)}`);
      write(join(map, 'size'), `0x${bytes.toString(16)}`);
      write(join(map, 'offset'), '0x0');
      write(join(map, 'name'), '');
    }
  };
  const DAQ = { [DAQ_REGISTER.id]: DAQ_ID, [DAQ_REGISTER.version]: 1, [DAQ_REGISTER.channels]: 8 };
  const opening = (device: string, dmaBuffer?: string) => () =>
    openUioBoard({ device, dev, sysfs, rearm: () => {}, ...(dmaBuffer === undefined ? {} : { dmaBuffer }) });
  const refusal = (device: string, dmaBuffer?: string) =>
    expect(opening(device, dmaBuffer)).to.throw().and.include.keys('code', 'hint');

  it('reads registers of map 0, and calls the board by its number and its bus’s identity', () => {
    makeDevice(DAQ);
    const board = opening('uio3')();
    const host = new TestBoardHost(0, 64);
    board.attach(host, host);
    expect([board.name, board.identity.vendorId, board.identity.deviceId]).to.deep.equal(['uio:3', 0x1234, 0xda16]);
    expect(board.readRegister(DAQ_REGISTER.channels)).to.equal(8);
    board.writeRegister(DAQ_REGISTER.channels, 5);
    expect(board.readRegister(DAQ_REGISTER.channels)).to.equal(8);
    board.close();
    expect(board.readRegister(DAQ_REGISTER.channels)).to.equal(0xffff_ffff);
  });

  it('takes DMA memory of a u-dma-buf device where the driver has none', () => {
    makeDevice(DAQ, 0);
    writeFileSync(join(dev, 'udmabuf0'), Buffer.alloc(LEAST_DMA_BYTES));
    write(join(sysfs, 'u-dma-buf', 'udmabuf0', 'size'), String(LEAST_DMA_BYTES));
    write(join(sysfs, 'u-dma-buf', 'udmabuf0', 'phys_addr'), '0x0000000070000000');
    opening('uio3', 'udmabuf0')().close();
    refusal('uio3', 'udmabuf1').with.property('code', 'HAL_NOT_FOUND');
  });

  it('names the register by which a device is not an RV-DAQ16', () => {
    makeDevice({ [DAQ_REGISTER.id]: 0x0100_00ed });
    refusal('uio3').with.property('message', 'uio3 is no RV-DAQ16: register ID reads 010000ED, not 51445652');
    makeDevice({ ...DAQ, [DAQ_REGISTER.version]: 7 });
    refusal('uio3')
      .with.property('message')
      .that.matches(/VERSION reads 7/);
  });

  it('refuses DMA memory in which not every block has room', () => {
    makeDevice(DAQ, LEAST_DMA_BYTES - PAGE);
    refusal('uio3').with.property('code', 'HAL_UNSUPPORTED');
  });

  it('names the driver to load where there is no such device, and the udev rule where it may not be opened', () => {
    refusal('uio9').and.satisfy((error: { code: string; hint: string }) => {
      expect(error.code).to.equal('HAL_NOT_FOUND');
      return error.hint.includes('modprobe');
    });
    if (process.getuid?.() === 0) return;
    makeDevice(DAQ);
    chmodSync(join(dev, 'uio3'), 0);
    refusal('uio3').with.property('code', 'HAL_DENIED');
  });

  it('refuses a second user of a device', () => {
    makeDevice(DAQ);
    const board = opening('uio3')();
    refusal('uio3').with.property('code', 'HAL_IN_USE');
    board.close();
  });

  it('lists the devices that there are, and none on a machine without UIO', () => {
    expect(listUioBoards({ sysfs })).to.deep.equal([]);
    makeDevice(DAQ);
    makeDevice(DAQ, 0, 'uio0');
    expect(listUioBoards({ sysfs })).to.deep.equal([
      { device: 'uio0', driver: 'rv-daq16' },
      { device: 'uio3', driver: 'rv-daq16' },
    ]);
  });
});
