/** Linked list: reversal, search and merge sort, the nodes scattered over memory. */
#include "bench.h"

#include <stddef.h>

#define NODES 2000u
#define ROUNDS 1200u
#define SEARCHES 60u

const char bench_name[] = "list";
const uint32_t bench_expected = 0x71e95758;

typedef struct node {
  struct node *next;
  uint32_t key;
  uint32_t place;
} node;

static node pool[NODES];

static node *build(uint32_t *seed) {
  node *head = NULL;
  for (uint32_t i = 0; i < NODES; i++) {
    /* 2,000 and 877 have no common divisor, so every node comes once. */
    node *at = &pool[i * 877u % NODES];
    at->key = bench_random(seed) & 0xffff;
    at->place = i;
    at->next = head;
    head = at;
  }
  return head;
}

static node *reverse(node *head) {
  node *reversed = NULL;
  while (head != NULL) {
    node *next = head->next;
    head->next = reversed;
    reversed = head;
    head = next;
  }
  return reversed;
}

static const node *find(const node *head, uint32_t key) {
  while (head != NULL && head->key != key) head = head->next;
  return head;
}

static node *merge(node *left, node *right) {
  node first = {0};
  node *last = &first;
  while (left != NULL && right != NULL) {
    node **smaller = left->key <= right->key ? &left : &right;
    last->next = *smaller;
    last = *smaller;
    *smaller = last->next;
  }
  last->next = left != NULL ? left : right;
  return first.next;
}

/** Cuts the list behind its first `length` nodes; what follows them. */
static node *cut(node *head, uint32_t length) {
  while (head != NULL && --length > 0) head = head->next;
  if (head == NULL) return NULL;
  node *rest = head->next;
  head->next = NULL;
  return rest;
}

static node *sort(node *head) {
  for (uint32_t run = 1; run < NODES; run *= 2) {
    node first = {0};
    node *last = &first;
    while (head != NULL) {
      node *left = head;
      node *right = cut(left, run);
      head = cut(right, run);
      last->next = merge(left, right);
      while (last->next != NULL) last = last->next;
    }
    head = first.next;
  }
  return head;
}

uint32_t bench_run(void) {
  uint32_t seed = 1;
  uint32_t sum = 0;
  for (uint32_t round = 0; round < ROUNDS; round++) {
    node *head = reverse(build(&seed));
    for (uint32_t i = 0; i < SEARCHES; i++) {
      const node *found = find(head, bench_random(&seed) & 0xffff);
      sum = bench_fold(sum, found == NULL ? 1 : found->place);
    }
    head = sort(head);
    for (const node *at = head; at->next != NULL; at = at->next) {
      if (at->key > at->next->key) return 0;
      sum = bench_fold(sum, at->key ^ at->place);
    }
  }
  return sum;
}
