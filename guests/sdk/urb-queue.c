/** Requests in a virtqueue. */
#include "urb-queue.h"

#include <stddef.h>
#include <string.h>

#define COMMAND_SUBMIT 1u
#define COMMAND_UNLINK 2u
#define DESC_F_NEXT 1u
#define NO_PACKETS 0xFFFFFFFFu

void urb_queue_open(urb_queue *queue, uint16_t size, void *descriptors, volatile void *available, volatile void *used) {
  memset(queue, 0, sizeof *queue);
  queue->size = size;
  queue->descriptors = descriptors;
  queue->available = available;
  queue->used = used;
  queue->free_count = size;
  for (uint16_t i = 0; i < size; i++) queue->descriptors[i].next = (uint16_t)(i + 1);
}

/** One piece of a chain. */
typedef struct {
  void *at;
  uint32_t length;
  uint16_t flags;
} piece;

/** Puts a chain of the pieces that have a length behind those that are available. */
static bool offer(urb_queue *queue, urb *owner, bool unlinks, const piece *pieces, uint32_t count) {
  uint16_t needed = 0;
  for (uint32_t i = 0; i < count; i++) needed += pieces[i].length > 0;
  if (queue->free_count < needed) return false;
  uint16_t head = queue->first_free, at = head;
  virtq_descriptor *last = NULL;
  for (uint32_t i = 0; i < count; i++) {
    if (pieces[i].length == 0) continue;
    last = &queue->descriptors[at];
    at = last->next;
    last->address = (uintptr_t)pieces[i].at;
    last->length = pieces[i].length;
    last->flags = pieces[i].flags | DESC_F_NEXT;
  }
  if (last == NULL) return false;
  last->flags &= (uint16_t)~DESC_F_NEXT;
  queue->first_free = at;
  queue->free_count -= needed;
  queue->owners[head] = owner;
  queue->unlinks[head] = unlinks;
  queue->available[2 + (queue->offered & (queue->size - 1))] = head;
  queue->offered++;
  fence_write();
  queue->available[1] = queue->offered;
  return true;
}

bool urb_queue_submit(urb_queue *queue, urb *transfer) {
  bool inbound = (transfer->endpoint & URB_IN) != 0;
  urb_header *request = &transfer->request;
  memset(request, 0, sizeof *request);
  request->command = COMMAND_SUBMIT;
  request->seqnum = queue->next_seqnum;
  request->direction = inbound;
  request->ep = transfer->endpoint & 15u;
  request->length = transfer->length;
  request->number_of_packets = NO_PACKETS;
  if (request->ep == 0) memcpy(request->setup, transfer->setup, sizeof request->setup);
  const piece pieces[] = {
      {request, sizeof *request, 0},
      {transfer->data, inbound ? 0 : transfer->length, 0},
      {&transfer->answer, sizeof transfer->answer, VIRTQ_DESC_F_WRITE},
      {transfer->data, inbound ? transfer->length : 0, VIRTQ_DESC_F_WRITE},
  };
  transfer->status = URB_PENDING;
  transfer->actual = 0;
  transfer->unlinking = false;
  transfer->done = !offer(queue, transfer, false, pieces, 4);
  if (!transfer->done) queue->next_seqnum++;
  return !transfer->done;
}

bool urb_queue_unlink(urb_queue *queue, urb *transfer) {
  if (transfer->done || transfer->unlinking) return false;
  urb_header *request = &transfer->unlink_request;
  memset(request, 0, sizeof *request);
  request->command = COMMAND_UNLINK;
  request->seqnum = queue->next_seqnum;
  request->word = transfer->request.seqnum;
  const piece pieces[] = {
      {request, sizeof *request, 0},
      {&transfer->unlink_answer, sizeof transfer->unlink_answer, VIRTQ_DESC_F_WRITE},
  };
  if (!offer(queue, transfer, true, pieces, 2)) return false;
  queue->next_seqnum++;
  transfer->unlinking = true;
  return true;
}

static void give_back(urb_queue *queue, uint16_t head) {
  uint16_t last = head;
  queue->free_count++;
  for (; queue->descriptors[last].flags & DESC_F_NEXT; last = queue->descriptors[last].next) queue->free_count++;
  queue->descriptors[last].next = queue->first_free;
  queue->first_free = head;
}

uint32_t urb_queue_poll(urb_queue *queue) {
  uint32_t done = 0;
  while (urb_queue_has_completed(queue)) {
    fence_read();
    const volatile uint32_t *element = (const volatile uint32_t *)(queue->used + 2);
    uint32_t head = element[2 * (queue->used_seen++ & (queue->size - 1))];
    urb *owner = head < queue->size ? queue->owners[head] : NULL;
    if (owner == NULL) continue;
    queue->owners[head] = NULL;
    give_back(queue, (uint16_t)head);
    if (queue->unlinks[head]) continue;
    owner->status = (int32_t)owner->answer.word;
    owner->actual = owner->answer.length < owner->length ? owner->answer.length : owner->length;
    owner->done = true;
    done++;
  }
  return done;
}
