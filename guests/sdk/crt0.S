/* Start-up: entered with a0 = hart id and a1 = device tree, M mode, interrupts off, other registers undefined. */

    .section .text.start, "ax"
    .globl _start
    .type _start, @function
_start:
    csrw    mie, zero
    csrci   mstatus, 8
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    /* Every hart but the first has nothing to do. */
1:  beqz    a0, 2f
    wfi
    j       1b
2:  la      sp, __stack_top
    la      t0, trap_entry
    csrw    mtvec, t0
    /* .data needs no copy: it is linked where it is loaded. .bss is cleared for raw images, which do not carry it. */
    la      t0, __bss_start
    la      t1, __bss_end
    bgeu    t0, t1, 4f
3:  sw      zero, 0(t0)
    addi    t0, t0, 4
    bltu    t0, t1, 3b
4:  mv      s0, a0
    mv      s1, a1
    mv      a0, a1
    call    board_start
    mv      a0, s0
    mv      a1, s1
    call    main
    call    board_finish
5:  wfi
    j       5b
    .size _start, . - _start

/* Direct-mode trap entry: saves what the C calling convention does not keep, then leaves the rest to C. */
    .section .text.trap, "ax"
    .globl trap_entry
    .type trap_entry, @function
    .balign 4
trap_entry:
    addi    sp, sp, -64
    sw      ra, 0(sp)
    sw      t0, 4(sp)
    sw      t1, 8(sp)
    sw      t2, 12(sp)
    sw      a0, 16(sp)
    sw      a1, 20(sp)
    sw      a2, 24(sp)
    sw      a3, 28(sp)
    sw      a4, 32(sp)
    sw      a5, 36(sp)
    sw      a6, 40(sp)
    sw      a7, 44(sp)
    sw      t3, 48(sp)
    sw      t4, 52(sp)
    sw      t5, 56(sp)
    sw      t6, 60(sp)
    csrr    a0, mcause
    bltz    a0, 1f
    csrr    a1, mepc
    csrr    a2, mtval
    call    exception_dispatch
    csrw    mepc, a0
    j       2f
1:  call    interrupt_dispatch
2:  lw      ra, 0(sp)
    lw      t0, 4(sp)
    lw      t1, 8(sp)
    lw      t2, 12(sp)
    lw      a0, 16(sp)
    lw      a1, 20(sp)
    lw      a2, 24(sp)
    lw      a3, 28(sp)
    lw      a4, 32(sp)
    lw      a5, 36(sp)
    lw      a6, 40(sp)
    lw      a7, 44(sp)
    lw      t3, 48(sp)
    lw      t4, 52(sp)
    lw      t5, 56(sp)
    lw      t6, 60(sp)
    addi    sp, sp, 64
    mret
    .size trap_entry, . - trap_entry

/* Asks the monitor to answer M-mode ecalls: { u32 abi_version = 1, u32 flags, bit 0 = hypercalls }. */
    .section .note.rigvisor, "a", @note
    .balign 4
    .word   9
    .word   8
    .word   1
    .asciz  "rigvisor"
    .balign 4
    .word   1
    .word   1
