/** Branches: a register machine of 14 instructions runs a program that adds up the lengths of Collatz sequences. */
#include "bench.h"

#define LIMIT 70600u

const char bench_name[] = "bytecode";
const uint32_t bench_expected = 0xb5afeaf3;

typedef enum { LOAD, MOVE, ADD, SUB, MUL, AND, OR, XOR, SHIFT, ADD_CONSTANT, JUMP, JUMP_ZERO, JUMP_BELOW, STOP } opcode;

typedef struct {
  uint8_t code, a, b, c;
  int32_t constant;
} instruction;

enum { N, LIMIT_REGISTER, X, LENGTH, ODD, TOTAL, LONGEST, MIX, REGISTERS };

static const instruction program[] = {
    {LOAD, N, 0, 0, 1},
    {LOAD, LIMIT_REGISTER, 0, 0, (int32_t)LIMIT},
    /* 2: the next number */
    {MOVE, X, N, 0, 0},
    {LOAD, LENGTH, 0, 0, 0},
    /* 4: is it one? */
    {ADD_CONSTANT, MIX, X, 0, -1},
    {JUMP_ZERO, MIX, 0, 0, 14},
    {ADD_CONSTANT, LENGTH, LENGTH, 0, 1},
    {LOAD, ODD, 0, 0, 1},
    {AND, ODD, X, ODD, 0},
    {JUMP_ZERO, ODD, 0, 0, 12},
    {ADD, MIX, X, X, 0},
    {JUMP, 0, 0, 0, 20},
    /* 12: even */
    {SHIFT, X, X, 0, 1},
    {JUMP, 0, 0, 0, 4},
    /* 14: the sequence is over */
    {ADD, TOTAL, TOTAL, LENGTH, 0},
    {JUMP_BELOW, LENGTH, LONGEST, 0, 17},
    {MOVE, LONGEST, LENGTH, 0, 0},
    {ADD_CONSTANT, N, N, 0, 1},
    {JUMP_BELOW, N, LIMIT_REGISTER, 0, 2},
    {STOP, 0, 0, 0, 0},
    /* 20: odd, x = 3 x + 1 */
    {ADD, X, MIX, X, 0},
    {ADD_CONSTANT, X, X, 0, 1},
    {JUMP, 0, 0, 0, 4},
};

static uint32_t interpret(const instruction *code, uint32_t *r) {
  const instruction *at = code;
  for (;;) {
    const instruction *i = at++;
    switch ((opcode)i->code) {
      case LOAD: r[i->a] = (uint32_t)i->constant; break;
      case MOVE: r[i->a] = r[i->b]; break;
      case ADD: r[i->a] = r[i->b] + r[i->c]; break;
      case SUB: r[i->a] = r[i->b] - r[i->c]; break;
      case MUL: r[i->a] = r[i->b] * r[i->c]; break;
      case AND: r[i->a] = r[i->b] & r[i->c]; break;
      case OR: r[i->a] = r[i->b] | r[i->c]; break;
      case XOR: r[i->a] = r[i->b] ^ r[i->c]; break;
      case SHIFT: r[i->a] = r[i->b] >> i->constant; break;
      case ADD_CONSTANT: r[i->a] = r[i->b] + (uint32_t)i->constant; break;
      case JUMP: at = code + i->constant; break;
      case JUMP_ZERO: if (r[i->a] == 0) at = code + i->constant; break;
      case JUMP_BELOW: if (r[i->a] < r[i->b]) at = code + i->constant; break;
      case STOP: return r[TOTAL] * 1000 + r[LONGEST];
    }
  }
}

uint32_t bench_run(void) {
  uint32_t registers[REGISTERS] = {0};
  return interpret(program, registers);
}
