/** The engine suite on the interpreter, and what it promises about the state area. */

import { expect } from 'chai';
import { createInterpreter } from './interpreter.js';
import { STATE } from './state-layout.js';
import { VcpuBench } from './suite/vcpu-bench.js';
import { describeVcpu } from './vcpu-suite.js';

describeVcpu('interpreter', createInterpreter);

describe('interpreter state', () => {
  const stateOf = (bench: VcpuBench): DataView => new DataView(bench.memory.memory.buffer);

  it('is written back whenever run returns', () => {
    const bench = new VcpuBench(createInterpreter, 'li a0, -5\ncsrwi mscratch, 7\nend: lw a1, 0(x0)');
    bench.step(10);
    const state = stateOf(bench);
    expect(state.getInt32(STATE.x + 8 * 10, true)).to.equal(-5);
    expect(state.getUint32(STATE.pc, true)).to.equal(bench.address('end'));
    expect(state.getBigUint64(STATE.instret, true)).to.equal(2n);
    expect(state.getUint32(STATE.mscratch, true)).to.equal(7);
    expect(state.getUint32(STATE.privilege, true)).to.equal(3);
  });

  it('keeps no trace of writes to x0', () => {
    const bench = new VcpuBench(createInterpreter, 'loop: addi x0, x0, -1\nlui x0, 5\nj loop');
    bench.step(30);
    const state = stateOf(bench);
    for (let at = 0; at < 256; at += 4) expect(state.getUint32(STATE.x + at, true), `x + ${at}`).to.equal(0);
  });

  it('sees interrupts that another thread sets in mip', () => {
    const bench = new VcpuBench(createInterpreter, 'li t0, 0x10000\ncsrw mie, t0\nwfi');
    expect(bench.vcpu.interruptAwaits).to.equal(false);
    bench.step(2);
    Atomics.or(new Int32Array(bench.memory.memory.buffer), STATE.mip / 4, 1 << 16);
    expect(bench.vcpu.interruptAwaits).to.equal(true);
    expect(bench.step().reason).to.equal('until');
  });
});
