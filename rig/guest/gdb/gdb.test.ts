/** Tests of the debugger's side: packets, commands, and that no bytes whatever break either. */

import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../../base/index.js';
import { assemble, createMachine, type Machine } from '../../../vmm/index.js';
import { framePacket, MOST_PACKET_BYTES, PacketReader } from './gdb-packet.js';
import { GdbSession } from './gdb-session.js';

const RAM = 0x8000_0000;
const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

function guest(text: string): Machine {
  const { bytes } = assemble(text);
  return createMachine({
    name: 'guest',
    engine: 'interpreter',
    ramBytes: 0x10_0000,
    clock: new VirtualClock(),
    image: {
      name: 'program',
      format: 'raw',
      entry: RAM,
      xlen: 32,
      segments: [{ gpa: RAM, bytes, memoryBytes: bytes.length }],
      hypercalls: 'none',
      startPrivilege: 3,
    },
  });
}

describe('GDB packets', () => {
  let log: string[];
  let reader: PacketReader;
  beforeEach(() => {
    log = [];
    reader = new PacketReader({
      packet: (data) => log.push(data),
      damaged: () => log.push('damaged'),
      interrupted: () => log.push('interrupted'),
    });
  });

  it('come out as they went in, however the stream is cut', () => {
    const all = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('');
    for (const byte of framePacket(all)) reader.see(Uint8Array.of(byte));
    expect(log).to.deep.equal([all]);
  });

  it('have acknowledgements and interrupts between them', () => {
    reader.see(bytesOf('+$g#67+\x03-$?#3f'));
    expect(log).to.deep.equal(['g', 'interrupted', '?']);
  });

  it('are damaged with a wrong checksum, no checksum, or too many bytes, and the next one is good', () => {
    reader.see(bytesOf('$g#68$g#zz'));
    reader.see(framePacket('x'.repeat(MOST_PACKET_BYTES + 1)));
    reader.see(bytesOf('$cut off $g#67'));
    expect(log).to.deep.equal(['damaged', 'damaged', 'damaged', 'g']);
  });
});

describe('GDB commands', () => {
  let machine: Machine;
  let session: GdbSession;
  let log: string[];
  beforeEach(() => {
    log = [];
    machine = guest('li a0, 1\nli a1, 2\nloop: j loop');
    session = new GdbSession(machine, {
      resume: (once) => log.push(once ? 'step' : 'continue'),
      detach: () => log.push('detach'),
      kill: () => log.push('kill'),
    });
  });

  it('read and write registers by number', () => {
    expect(session.answer('g')).to.have.length(33 * 8);
    expect(session.answer('p20')).to.equal('00000080');
    expect(session.answer('Pa=78563412')).to.equal('OK');
    expect(session.answer('pa')).to.equal('78563412');
    expect(session.answer('P20=04000080')).to.equal('OK');
    expect(machine.core.vcpu.readPc()).to.equal(0x8000_0004n);
    // mscratch, mhartid, a float register, and none.
    expect(session.answer('P381=01000000')).to.equal('OK');
    expect(session.answer('p381')).to.equal('01000000');
    expect(session.answer('Pf55=01000000')).to.equal('E01');
    expect(session.answer('p21')).to.equal('E01');
    expect(session.answer('pffff')).to.equal('E01');
    const all = String(session.answer('g'));
    expect(session.answer(`G${all}`)).to.equal('OK');
    expect(session.answer(`G${all.slice(2)}`)).to.equal('E01');
    expect(session.answer('g')).to.equal(all);
  });

  it('read and write memory, as far as it is RAM', () => {
    expect(session.answer('M80000100,4:01020304')).to.equal('OK');
    expect(session.answer('m80000100,4')).to.equal('01020304');
    expect(session.answer('m800ffffe,8')).to.have.length(4);
    expect(session.answer('m10000000,1')).to.equal('E14');
    expect(session.answer('M800ffffe,4:01020304')).to.equal('E14');
    expect(session.answer('m800ffffe,2')).to.equal(session.answer('m800ffffe,2'));
    expect(session.answer('m80000000,0')).to.equal('');
    expect(session.answer('M80000100,4:0102')).to.equal('E01');
    expect(session.answer('m80000100')).to.equal('E01');
    expect(session.answer('mfffffffffffffffff,1')).to.equal('E01');
  });

  it('change code that has run already', () => {
    machine.core.vcpu.run(4);
    expect(session.answer('M80000008,4:13000000')).to.equal('OK');
    machine.core.vcpu.run(5);
    expect(machine.core.vcpu.readPc()).to.equal(0x8000_000cn);
  });

  it('resume, once and for good, and lift breakpoints for a step', () => {
    expect(session.answer('Z0,80000008,4')).to.equal('OK');
    expect(machine.core.vcpu.run(10).reason).to.equal('breakpoint');
    expect(session.answer('s')).to.equal(undefined);
    expect(machine.core.vcpu.run(6).reason).to.equal('until');
    session.stopped('T05thread:1;');
    expect(machine.core.vcpu.run(10).reason).to.equal('breakpoint');
    expect(session.answer('z0,80000008,4')).to.equal('OK');
    expect(session.answer('vCont;c')).to.equal(undefined);
    expect(session.answer('vCont;s:1;c')).to.equal(undefined);
    expect(session.answer('c80000000')).to.equal(undefined);
    expect(machine.core.vcpu.readPc()).to.equal(0x8000_0000n);
    expect(session.answer('D')).to.equal('OK');
    expect(session.answer('k')).to.equal(undefined);
    expect(log).to.deep.equal(['step', 'continue', 'step', 'continue', 'detach', 'kill']);
  });

  it('describe the registers in pieces', () => {
    let text = '';
    for (let piece = 'm'; piece[0] === 'm'; text += piece.slice(1))
      piece = String(session.answer(`qXfer:features:read:target.xml:${text.length.toString(16)},100`));
    expect(text).to.contain('<architecture>riscv:rv32</architecture>');
    expect(text).to.contain('<reg name="mtvec" bitsize="32" regnum="838" type="int"/>');
    expect(text).not.to.contain('org.gnu.gdb.riscv.fpu');
    expect(session.answer('qXfer:features:read:other.xml:0,10')).to.equal('E00');
  });

  it('bound the number of breakpoints', () => {
    for (let i = 0; i < 1024; i++) expect(session.answer(`Z0,${i.toString(16)},4`)).to.equal('OK');
    expect(session.answer('Z1,ffff,4')).to.equal('E12');
    expect(session.answer('Z2,0,4')).to.equal('');
    session.clear();
    expect(session.answer('Z1,ffff,4')).to.equal('OK');
  });

  it('answer what they do not know with nothing', () => {
    for (const packet of ['', 'X80000000,0:', 'vMustReplyEmpty', 'qRcmd,00', 'R00', '!', 'bc'])
      expect(session.answer(packet), packet).to.equal('');
  });

  it('survive 20,000 packets of noise', () => {
    const random = createRandom('gdb');
    const letters = '?gGpPmMcsCSZzHTDvqQX,:;=0123456789abcdef+-#$*\x00\xff';
    for (let round = 0; round < 20_000; round++) {
      let packet = '';
      for (let i = random.below(24); i >= 0; i--) packet += letters[random.below(letters.length)];
      session.answer(packet);
    }
    const reader = new PacketReader({
      packet: (data) => session.answer(data),
      damaged: () => {},
      interrupted: () => {},
    });
    for (let round = 0; round < 2_000; round++)
      reader.see(Uint8Array.from({ length: 64 }, () => (random.below(4) === 0 ? 0x24 : random.uint32())));
    expect(session.answer('qC')).to.equal('QC1');
  });
});
