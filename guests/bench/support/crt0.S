/* Start-up of a benchmark: hart 0, M mode, floating point on where there is any; no interrupts, no device tree. */

    .section .text.start, "ax"
    .globl _start
    .type _start, @function
_start:
    csrw    mie, zero
    csrci   mstatus, 8
#ifdef __riscv_flen
    li      t0, 0x2000              /* mstatus.FS = initial */
    csrs    mstatus, t0
    csrw    fcsr, zero
#endif
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
1:  beqz    a0, 2f
    wfi
    j       1b
2:  la      sp, __stack_top
    la      t0, unexpected_trap
    csrw    mtvec, t0
    la      t0, __bss_start
    la      t1, __bss_end
    bgeu    t0, t1, 4f
3:  sb      zero, 0(t0)
    addi    t0, t0, 1
    bltu    t0, t1, 3b
4:  call    bench_main
5:  j       5b
    .size _start, . - _start

/* Ends the machine with fail, code 0xdead: no benchmark traps but the one that installs a handler of its own. */
    .balign 4
unexpected_trap:
    li      t0, 0x100000
    li      t1, 0xdead3333
    sw      t1, 0(t0)
6:  j       6b
