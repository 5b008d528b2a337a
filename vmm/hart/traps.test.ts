/** Delegation, priorities, return, lockup and the privileged instructions of a hart with S mode. */

import { expect } from 'chai';
import { INTERRUPT } from '../cpu/state-layout.js';
import { CODE, DATA, DEVICE, HartBench, M_HANDLER, PTE, S_HANDLER } from './hart-bench.js';

const FLAG = 1n << 63n;

describe('exceptions with S mode', () => {
  it('go to S mode where medeleg says so, and to M mode from M mode all the same', () => {
    const bench = new HartBench();
    bench.mode('user');
    bench.do('ecall');
    expect(bench.supervisorTrap).to.deep.equal({ cause: 8n, epc: BigInt(CODE), tval: 0n });
    expect([bench.pc, bench.vcpu.privilege]).to.deep.equal([S_HANDLER, 1]);
    bench.mode('machine');
    bench.do('ebreak');
    expect(bench.machineTrap).to.deep.equal({ cause: 3n, epc: BigInt(S_HANDLER), tval: BigInt(S_HANDLER) });
    expect(bench.vcpu.privilege).to.equal(3);
  });

  it('name the mode of ecall', () => {
    for (const [mode, cause] of [
      ['user', 8n],
      ['supervisor', 9n],
      ['machine', 11n],
    ] as const) {
      const bench = new HartBench();
      bench.setCsr('medeleg', 0n);
      bench.mode(mode);
      bench.do('ecall');
      expect(bench.csr('mcause')).to.equal(cause);
    }
  });

  it('keep the interrupt enable and the mode in sstatus, and sret brings them back', () => {
    const bench = new HartBench();
    bench.mode('supervisor');
    bench.setCsr('sstatus', 2n);
    bench.do('ebreak');
    expect(bench.csr('sstatus') & 0x122n).to.equal(0x120n);
    bench.do('sret');
    expect(bench.csr('sstatus') & 0x122n).to.equal(0x22n);
    expect([bench.pc, bench.vcpu.privilege]).to.deep.equal([CODE, 1]);
    bench.setCsr('sstatus', 0n);
    bench.setCsr('sepc', 0xffff_ffd0_0000_1000n);
    bench.do('sret');
    expect([bench.vcpu.readPc(), bench.vcpu.privilege]).to.deep.equal([0xffff_ffd0_0000_1000n, 0]);
  });

  it('end MPRV by a return to a mode below M', () => {
    for (const [text, status] of [
      ['mret', (1n << 17n) | (1n << 11n)],
      ['sret', 1n << 17n],
    ] as const) {
      const bench = new HartBench();
      bench.setCsr('mstatus', status);
      bench.do(text);
      expect(bench.csr('mstatus') & (1n << 17n), text).to.equal(0n);
    }
  });

  it('report illegal instructions with their bits, zero-extended', () => {
    const bench = new HartBench();
    bench.do('.word 0xffffffff');
    expect(bench.machineTrap).to.include({ cause: 2n, tval: 0xffff_ffffn });
  });

  it('carry the address of a second half that cannot be fetched', () => {
    const bench = new HartBench();
    const { v, x, a } = PTE;
    bench.map(0x5000n, DATA, v | x | a);
    bench.memory.writeU16(DATA + 0xffe, 0x0013);
    bench.paged('supervisor');
    bench.vcpu.writePc(0x5ffen);
    bench.setCsr('medeleg', 0n);
    bench.memory.writeU32(M_HANDLER, 0x13);
    bench.vcpu.run(1);
    expect(bench.machineTrap).to.deep.equal({ cause: 12n, epc: 0x5ffen, tval: 0x6000n });
  });
});

describe('lockup', () => {
  it('is an exception of the first instruction of the handler, in M mode and in S mode', () => {
    for (const mode of ['machine', 'supervisor'] as const) {
      const bench = new HartBench();
      bench.mode(mode);
      bench.do('ebreak');
      expect(bench.hart.isLockedUp).to.equal(false);
      bench.do('ebreak');
      expect(bench.hart.isLockedUp).to.equal(true);
      bench.vcpu.writePc(BigInt(CODE));
      expect(bench.hart.isLockedUp).to.equal(false);
    }
  });

  it('is not an S handler whose fault M mode takes, nor a handler that U mode jumps to', () => {
    const bench = new HartBench();
    bench.setCsr('medeleg', 1n << 3n);
    bench.mode('supervisor');
    bench.do('ebreak');
    bench.do('.word 0');
    expect([bench.hart.isLockedUp, bench.pc, bench.vcpu.privilege]).to.deep.equal([false, M_HANDLER, 3]);
    bench.do('.word 0');
    expect(bench.hart.isLockedUp).to.equal(true);
    const user = new HartBench();
    user.mode('user');
    user.vcpu.writePc(BigInt(S_HANDLER));
    user.do('ebreak');
    expect(user.hart.isLockedUp).to.equal(false);
  });
});

describe('interrupts with S mode', () => {
  const pending = (bench: HartBench, bits: number, mie = 0xaaan, mideleg = 0x222n): void => {
    bench.setCsr('mideleg', mideleg);
    bench.setCsr('mie', mie | 0xffff_0000n);
    bench.vcpu.setInterruptPending(bits, true);
  };

  it('that are delegated reach S mode when SIE is set, U mode always, M mode never', () => {
    for (const [mode, sie, isTaken] of [
      ['machine', 2n, false],
      ['supervisor', 0n, false],
      ['supervisor', 2n, true],
      ['user', 0n, true],
    ] as const) {
      const bench = new HartBench();
      pending(bench, INTERRUPT.stip);
      bench.setCsr('mstatus', sie | 8n);
      bench.mode(mode);
      expect(bench.hart.takeInterrupt(), `${mode} ${sie}`).to.equal(isTaken);
      if (isTaken) expect(bench.supervisorTrap).to.deep.equal({ cause: FLAG | 5n, epc: BigInt(CODE), tval: 0n });
    }
  });

  it('that are not delegated reach S mode whatever SIE and MIE say, and M mode when MIE is set', () => {
    for (const [mode, mie, isTaken] of [
      ['machine', 0n, false],
      ['machine', 8n, true],
      ['supervisor', 0n, true],
    ] as const) {
      const bench = new HartBench();
      pending(bench, INTERRUPT.stip, 0xaaan, 0n);
      bench.setCsr('mstatus', mie);
      bench.mode(mode);
      expect(bench.hart.takeInterrupt()).to.equal(isTaken);
      if (isTaken) expect(bench.machineTrap.cause).to.equal(FLAG | 5n);
    }
  });

  it('go by priority: MEI, MSI, MTI, SEI, SSI, STI, the platform; M mode before S mode', () => {
    for (const [bits, mideleg, number] of [
      [0x0001_0aaa, 0n, 11],
      [0x0001_02aa, 0n, 3],
      [0x0001_02a2, 0n, 7],
      [0x0001_0222, 0n, 9],
      [0x0001_0022, 0n, 1],
      [0x0001_0020, 0n, 5],
      [0x0003_0000, 0n, 16],
      [0x0001_0222, 0x222n, 16],
      [0x0000_0222, 0x222n, 9],
      [0x0000_02a2, 0x222n, 7],
    ] as const) {
      const bench = new HartBench();
      pending(bench, bits, 0xaaan, mideleg);
      bench.mode('user');
      bench.hart.takeInterrupt();
      const cause = bench.vcpu.privilege === 3 ? bench.csr('mcause') : bench.csr('scause');
      expect(cause, bits.toString(16)).to.equal(FLAG | BigInt(number));
    }
  });

  it('enter a vectored S handler by number', () => {
    const bench = new HartBench();
    bench.setCsr('stvec', 0xffff_ffff_ffff_fff1n);
    pending(bench, INTERRUPT.seip);
    bench.mode('user');
    bench.hart.takeInterrupt();
    expect(bench.vcpu.readPc(), 'carries').to.equal(0x14n);
    bench.do('ebreak');
    expect(bench.vcpu.readPc()).to.equal(0xffff_ffff_ffff_fff0n);
  });
});

describe('privileged instructions', () => {
  const outcome = (mode: 'user' | 'supervisor' | 'machine', text: string, status = 0n): string => {
    const bench = new HartBench();
    bench.setCsr('mstatus', status);
    bench.mode(mode);
    const { instret } = bench.hart.state;
    const reason = bench.do(text);
    if (bench.hart.state.instret > instret) return reason ?? 'done';
    const cause = bench.pc === S_HANDLER ? bench.csr('scause') : bench.csr('mcause');
    return cause === 2n ? 'illegal' : `cause ${cause}`;
  };
  const tvm = 1n << 20n;
  const tw = 1n << 21n;
  const tsr = 1n << 22n;

  for (const [text, status, user, supervisor, machine] of [
    ['mret', 0n, 'illegal', 'illegal', 'done'],
    ['sret', 0n, 'illegal', 'done', 'done'],
    ['sret', tsr, 'illegal', 'illegal', 'done'],
    ['wfi', 0n, 'illegal', 'wfi', 'wfi'],
    ['wfi', tw, 'illegal', 'illegal', 'wfi'],
    ['sfence.vma zero, zero', 0n, 'illegal', 'done', 'done'],
    ['sfence.vma zero, zero', tvm, 'illegal', 'illegal', 'done'],
    ['csrrs a0, satp, zero', 0n, 'illegal', 'done', 'done'],
    ['csrrs a0, satp, zero', tvm, 'illegal', 'illegal', 'done'],
    ['csrrs a0, sstatus, zero', 0n, 'illegal', 'done', 'done'],
    ['csrrs a0, mstatus, zero', 0n, 'illegal', 'illegal', 'done'],
    ['fence.i', 0n, 'done', 'done', 'done'],
  ] as const) {
    it(`permits ${text} with mstatus ${status.toString(16)}: U ${user}, S ${supervisor}, M ${machine}`, () => {
      expect(outcome('user', text, status)).to.equal(user);
      expect(outcome('supervisor', text, status)).to.equal(supervisor);
      expect(outcome('machine', text, status)).to.equal(machine);
    });
  }

  it('make an exit of ecall from the mode that is asked for alone, and sign-extend the answer', () => {
    const bench = new HartBench({ hypercalls: 'supervisor' });
    bench.mode('user');
    expect(bench.do('ecall')).to.equal(undefined);
    expect(bench.do('ecall')).to.equal('hypercall');
    expect(bench.pc).to.equal(S_HANDLER);
    bench.vcpu.completeHypercall(-2, 0x8000_0000);
    expect(bench.get('a0')).to.equal(0xffff_ffff_ffff_fffen);
    expect(bench.get('a1')).to.equal(0xffff_ffff_8000_0000n);
    expect(bench.pc).to.equal(S_HANDLER + 4);
    bench.mode('machine');
    expect(bench.do('ecall')).to.equal(undefined);
    expect(bench.csr('mcause')).to.equal(11n);
  });

  it('refuse an exit that is not completed by its own call', () => {
    const bench = new HartBench();
    bench.set('s0', DEVICE);
    expect(bench.do('ld a0, 0(s0)')).to.equal('mmio-read');
    expect(() => bench.vcpu.completeMmioWrite()).to.throw().with.property('code', 'VMM_ENGINE');
    bench.vcpu.completeMmioRead(1, 2);
    expect(bench.get('a0')).to.equal(0x2_0000_0001n);
  });
});
