/** What loads, stores and atomics do once their address is found in RAM (Unprivileged specification 20191213, chapters 2, 8, 11). */

import { STATE } from '../../cpu/state-layout.js';
import { ATOMIC, MEMORY, OP } from '../../wasm/opcodes.js';
import type { Operands, Semantics } from './operands.js';

const BOX = -0x1_0000_0000;

/** An integer load: by width of the registers. */
const load =
  (bytes: number, opcode32: number, opcode64: number): Semantics =>
  (o) => {
    const host = o.access(bytes, false);
    o.setRd(() => {
      o.code.get(host).memory(o.x.xlen === 32 ? opcode32 : opcode64, o.memoryOffset);
    });
  };

const store =
  (bytes: number, opcode32: number, opcode64: number): Semantics =>
  (o) => {
    const host = o.access(bytes, true);
    o.code.get(host);
    o.rs2();
    o.code.memory(o.x.xlen === 32 ? opcode32 : opcode64, o.memoryOffset);
  };

const loadFloat: Semantics = (o) => {
  o.needFloat(false);
  const host = o.access(4, false);
  o.setFd(() => o.code.get(host).memory(MEMORY.i64Load32U, o.memoryOffset).i64(BOX).op(OP.i64Or));
};

const loadDouble: Semantics = (o) => {
  o.needFloat(false);
  const host = o.access(8, false);
  o.setFd(() => o.code.get(host).memory(MEMORY.i64Load, o.memoryOffset));
};

const storeFloat =
  (bytes: number, opcode: number): Semantics =>
  (o) => {
    o.needFloat(false);
    const host = o.access(bytes, true);
    o.code.get(host);
    o.f2();
    o.code.memory(opcode, o.memoryOffset);
  };

/** rd = memory, sign-extended; memory = memory op rs2, as one atomic access. */
const modify =
  (bytes: 4 | 8, opcode: number): Semantics =>
  (o) => {
    const { code, x } = o;
    const host = o.access(bytes, true, true);
    const old = o.scratch(bytes === 8 ? 'i64' : 'i32', 0);
    code.get(host);
    o.rs2();
    if (bytes === 4) x.toWord(code);
    code.atomic(opcode, bytes, o.memoryOffset).set(old);
    o.setRd(() => {
      code.get(old);
      if (bytes === 4) x.fromWord(code);
    });
  };

/** What a reservation is named by: the guest physical address and, in bit 32, whether it is of 8 bytes. */
function pushReservation(o: Operands, host: number, bytes: 4 | 8): void {
  o.code.get(host).i32(o.physicalDifference).op(OP.i32Add).op(OP.i64ExtendI32U);
  if (bytes === 8) o.code.i64(0x1_0000_0000).op(OP.i64Or);
}

const loadReserved =
  (bytes: 4 | 8): Semantics =>
  (o) => {
    const { code, x } = o;
    const host = o.access(bytes, false, true);
    const value = o.scratch('i64', 0);
    code.get(host);
    if (bytes === 8) code.atomic(ATOMIC.i64Load, 8, o.memoryOffset);
    else code.atomic(ATOMIC.i32Load, 4, o.memoryOffset).op(OP.i64ExtendI32S);
    code.set(value);
    code.i32(STATE.reservation);
    pushReservation(o, host, bytes);
    code.memory(MEMORY.i64Store, 0);
    code.i32(STATE.reservedValue).get(value).memory(MEMORY.i64Store, 0);
    o.setRd(() => {
      code.get(value);
      if (x.xlen === 32) code.op(OP.i32WrapI64);
    });
  };

const storeConditional =
  (bytes: 4 | 8): Semantics =>
  (o) => {
    const { code, x } = o;
    const host = o.access(bytes, true, true);
    const failed = o.scratch('i32', 0);
    code.i32(1).set(failed);
    code.i32(STATE.reservation).memory(MEMORY.i64Load, 0);
    pushReservation(o, host, bytes);
    code.op(OP.i64Eq);
    code.if();
    code.get(host).i32(STATE.reservedValue);
    if (bytes === 8) {
      code.memory(MEMORY.i64Load, 0);
      o.rs2();
      code
        .atomic(ATOMIC.i64RmwCmpxchg, 8, o.memoryOffset)
        .i32(STATE.reservedValue)
        .memory(MEMORY.i64Load, 0)
        .op(OP.i64Ne);
    } else {
      code.memory(MEMORY.i32Load, 0);
      o.rs2();
      x.toWord(code);
      code
        .atomic(ATOMIC.i32RmwCmpxchg, 4, o.memoryOffset)
        .i32(STATE.reservedValue)
        .memory(MEMORY.i32Load, 0)
        .op(OP.i32Ne);
    }
    code.set(failed).end();
    code.i32(STATE.reservation).i64(-1).memory(MEMORY.i64Store, 0);
    o.setRd(() => {
      code.get(failed);
      x.fromUnsigned(code);
    });
  };

/** By instruction name. Minimum and maximum have no atomic instruction in WebAssembly and stay with the slow path. */
export const MEMORY_ACCESS: ReadonlyMap<string, Semantics> = new Map([
  ['fence', (o) => void o.code.atomicFence()],
  ['lb', load(1, MEMORY.i32Load8S, MEMORY.i64Load8S)],
  ['lh', load(2, MEMORY.i32Load16S, MEMORY.i64Load16S)],
  ['lw', load(4, MEMORY.i32Load, MEMORY.i64Load32S)],
  ['ld', load(8, MEMORY.i64Load, MEMORY.i64Load)],
  ['lbu', load(1, MEMORY.i32Load8U, MEMORY.i64Load8U)],
  ['lhu', load(2, MEMORY.i32Load16U, MEMORY.i64Load16U)],
  ['lwu', load(4, MEMORY.i64Load32U, MEMORY.i64Load32U)],
  ['sb', store(1, MEMORY.i32Store8, MEMORY.i64Store8)],
  ['sh', store(2, MEMORY.i32Store16, MEMORY.i64Store16)],
  ['sw', store(4, MEMORY.i32Store, MEMORY.i64Store32)],
  ['sd', store(8, MEMORY.i64Store, MEMORY.i64Store)],
  ['flw', loadFloat],
  ['fld', loadDouble],
  ['fsw', storeFloat(4, MEMORY.i64Store32)],
  ['fsd', storeFloat(8, MEMORY.i64Store)],
  ['lr.w', loadReserved(4)],
  ['sc.w', storeConditional(4)],
  ['amoswap.w', modify(4, ATOMIC.i32RmwXchg)],
  ['amoadd.w', modify(4, ATOMIC.i32RmwAdd)],
  ['amoxor.w', modify(4, ATOMIC.i32RmwXor)],
  ['amoand.w', modify(4, ATOMIC.i32RmwAnd)],
  ['amoor.w', modify(4, ATOMIC.i32RmwOr)],
  ['lr.d', loadReserved(8)],
  ['sc.d', storeConditional(8)],
  ['amoswap.d', modify(8, ATOMIC.i64RmwXchg)],
  ['amoadd.d', modify(8, ATOMIC.i64RmwAdd)],
  ['amoxor.d', modify(8, ATOMIC.i64RmwXor)],
  ['amoand.d', modify(8, ATOMIC.i64RmwAnd)],
  ['amoor.d', modify(8, ATOMIC.i64RmwOr)],
]);
