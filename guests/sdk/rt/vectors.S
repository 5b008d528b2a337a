/* Trap vectors, entry and exit of handlers, and the switch from one task to another. */

/*
 * A frame on the stack of a task: mepc and what C does not keep at 0..64, what C keeps behind it, which only a switch
 * saves. Room is made for all of it at once.
 */
#define FRAME 128

    .macro save_scratch
    addi    sp, sp, -FRAME
    sw      ra, 4(sp)
    sw      t0, 8(sp)
    sw      t1, 12(sp)
    sw      t2, 16(sp)
    sw      a0, 20(sp)
    sw      a1, 24(sp)
    sw      a2, 28(sp)
    sw      a3, 32(sp)
    sw      a4, 36(sp)
    sw      a5, 40(sp)
    sw      a6, 44(sp)
    sw      a7, 48(sp)
    sw      t3, 52(sp)
    sw      t4, 56(sp)
    sw      t5, 60(sp)
    sw      t6, 64(sp)
    .endm

    .macro handler name
    .type   rt_enter_\name, @function
    .globl  rt_enter_\name
rt_enter_\name:
    save_scratch
    call    rt_isr_\name
    j       leave
    .endm

    .section .text.rt_vectors, "ax"
    .option push
    .option norvc
    .option norelax
    .balign 128
    .globl  rt_vectors
    .type   rt_vectors, @function
rt_vectors:
    j       rt_enter_exception
    j       rt_enter_unknown
    j       rt_enter_unknown
    j       rt_enter_unknown
    j       rt_enter_unknown
    j       rt_enter_unknown
    j       rt_enter_unknown
    j       rt_enter_clock
    j       rt_enter_unknown
    j       rt_enter_unknown
    j       rt_enter_unknown
    j       rt_enter_external
    j       rt_enter_unknown
    j       rt_enter_unknown
    j       rt_enter_unknown
    j       rt_enter_unknown
    j       rt_enter_doorbell
    j       rt_enter_shared_memory
    .option pop
    .size   rt_vectors, . - rt_vectors

    handler clock
    handler external
    handler doorbell
    handler shared_memory

    /* The way out of a handler: back, or to another task. */
leave:
    la      t0, rt_current
    lw      t0, 0(t0)
    la      t1, rt_next
    lw      t1, 0(t1)
    csrr    t2, mepc
    sw      t2, 0(sp)
    bne     t0, t1, change
restore_scratch:
    lw      ra, 4(sp)
    lw      t0, 8(sp)
    lw      t1, 12(sp)
    lw      t2, 16(sp)
    lw      a0, 20(sp)
    lw      a1, 24(sp)
    lw      a2, 28(sp)
    lw      a3, 32(sp)
    lw      a4, 36(sp)
    lw      a5, 40(sp)
    lw      a6, 44(sp)
    lw      a7, 48(sp)
    lw      t3, 52(sp)
    lw      t4, 56(sp)
    lw      t5, 60(sp)
    lw      t6, 64(sp)
    addi    sp, sp, FRAME
    mret

    /* A task gives way by itself: as if it had been interrupted behind the call. */
    .globl  rt_switch
    .type   rt_switch, @function
rt_switch:
    addi    sp, sp, -FRAME
    sw      ra, 0(sp)
    la      t0, rt_current
    lw      t0, 0(t0)
    la      t1, rt_next
    lw      t1, 0(t1)
    /* t0: the task that runs, t1: the one that shall. */
change:
    sw      s0, 68(sp)
    sw      s1, 72(sp)
    sw      s2, 76(sp)
    sw      s3, 80(sp)
    sw      s4, 84(sp)
    sw      s5, 88(sp)
    sw      s6, 92(sp)
    sw      s7, 96(sp)
    sw      s8, 100(sp)
    sw      s9, 104(sp)
    sw      s10, 108(sp)
    sw      s11, 112(sp)
    sw      sp, 0(t0)
    .globl  rt_resume
    .type   rt_resume, @function
rt_resume:
    lw      sp, 0(t1)
    la      t0, rt_current
    sw      t1, 0(t0)
    lw      t0, 0(sp)
    csrw    mepc, t0
    /* Back to M mode with interrupts on: MPP = 3, MPIE = 1. */
    li      t0, 0x1880
    csrs    mstatus, t0
    lw      s0, 68(sp)
    lw      s1, 72(sp)
    lw      s2, 76(sp)
    lw      s3, 80(sp)
    lw      s4, 84(sp)
    lw      s5, 88(sp)
    lw      s6, 92(sp)
    lw      s7, 96(sp)
    lw      s8, 100(sp)
    lw      s9, 104(sp)
    lw      s10, 108(sp)
    lw      s11, 112(sp)
    j       restore_scratch

    .globl  rt_enter_exception
    .type   rt_enter_exception, @function
rt_enter_exception:
    csrr    a0, mcause
    csrr    a1, mepc
    csrr    a2, mtval
    call    rt_exception
    j       rt_enter_exception
    .globl  rt_enter_unknown
    .type   rt_enter_unknown, @function
rt_enter_unknown:
    csrr    a0, mcause
    call    rt_exception
    j       rt_enter_unknown

    /* First of all tasks: t1 = rt_next. */
    .globl  rt_first
    .type   rt_first, @function
rt_first:
    la      t1, rt_next
    lw      t1, 0(t1)
    j       rt_resume
