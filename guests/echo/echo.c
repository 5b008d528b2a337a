/** Sends back each character of the acquisition port; characters with a line error come back as '?'. */
#include "acquisition.h"
#include "board.h"

int main(uint32_t hart_id, const void *device_tree) {
  (void)hart_id;
  (void)device_tree;
  if (acquisition_open() == ACQUISITION_NONE) return 1;
  for (;;) {
    received_character received[64];
    uint8_t back[64];
    uint32_t count = acquisition_read(received, 64);
    for (uint32_t i = 0; i < count; i++) back[i] = (received[i].status & LINE_ERRORS) ? '?' : received[i].character;
    acquisition_write(back, count);
    if (count == 0) acquisition_wait();
  }
}
