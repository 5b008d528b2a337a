/** What every board port keeps, whatever board is behind it: one suite for simulators and bindings. */

import { expect } from 'chai';
import type { BoardPort } from './board-port.js';
import { TestBoardHost } from './test-board-host.js';

export interface BoardUnderTest {
  readonly port: BoardPort;
  /** A register that keeps what is written to it and has no other effect while the board is idle. */
  readonly scratchOffset: number;
}

/** Defines the suite; `create` makes an idle board that has no host yet. */
export function testBoardPort(name: string, create: () => BoardUnderTest): void {
  describe(`board port: ${name}`, () => {
    it('names itself and its base address registers as PCI allows them', () => {
      const { name: text, identity } = create().port;
      expect(text).to.match(/^[a-z]+:/);
      for (const id of [identity.vendorId, identity.deviceId, identity.subsystemVendorId, identity.subsystemId]) {
        expect(id).to.be.within(0, 0xffff);
      }
      for (const bytes of identity.barBytes) expect(bytes & (bytes - 1)).to.equal(0);
    });

    it('takes one host and refuses a second', () => {
      const { port } = create();
      port.attach(new TestBoardHost(0, 64), new TestBoardHost(0, 64));
      expect(() => port.attach(new TestBoardHost(0, 64), new TestBoardHost(0, 64)))
        .to.throw()
        .with.property('code', 'HAL_IN_USE');
    });

    it('keeps 32 bits of a register, unsigned', () => {
      const { port, scratchOffset } = create();
      port.attach(new TestBoardHost(0, 64), new TestBoardHost(0, 64));
      port.writeRegister(scratchOffset, -2);
      expect(port.readRegister(scratchOffset)).to.equal(0xffff_fffe);
    });

    it('reads all ones outside of BAR 0, between registers, and after close', () => {
      const { port, scratchOffset } = create();
      port.attach(new TestBoardHost(0, 64), new TestBoardHost(0, 64));
      for (const offset of [port.identity.barBytes[0], -4, scratchOffset + 2]) {
        port.writeRegister(offset, 1);
        expect(port.readRegister(offset)).to.equal(0xffff_ffff);
      }
      port.close();
      port.close();
      port.writeRegister(scratchOffset, 5);
      expect(port.readRegister(scratchOffset)).to.equal(0xffff_ffff);
    });

    it('touches no memory and raises no interrupt while it is idle', () => {
      const { port, scratchOffset } = create();
      const host = new TestBoardHost(0, 64);
      port.attach(host, host);
      port.writeRegister(scratchOffset, 1);
      expect([host.writes, host.refused, host.rises]).to.deep.equal([0, 0, 0]);
    });
  });
}
