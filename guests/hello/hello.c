/** Says one line and ends well: the smallest guest. */
#include "board.h"
#include "console.h"

int main(uint32_t hart_id, const void *device_tree) {
  (void)device_tree;
  console_print("hello from hart %u%s\n", hart_id, board_has_hypervisor() ? ", hypercalls answered" : "");
  return 0;
}
