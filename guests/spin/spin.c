/** Says one line and never ends: for deadlines. */
#include "board.h"
#include "console.h"

int main(uint32_t hart_id, const void *device_tree) {
  (void)hart_id;
  (void)device_tree;
  console_print("spinning\n");
  for (;;) __asm__ volatile("");
}
