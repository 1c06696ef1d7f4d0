// The heap: first fit over a list of free blocks in order of address, neighbours joined on release.
//
// The firmware allocates while it sets itself up and not afterwards, so this is built for small code; once it
// is sealed, asking for memory is a fault. It is not reentrant: an interrupt handler must neither allocate nor
// release. Swift does not look at what posix_memalign returns, so running out of memory has to stop here.
#include <stddef.h>
#include <stdint.h>

#include "CBoard.h"

typedef struct Block {
  size_t size;         // bytes of payload behind this header; a payload begins on a multiple of 16
  struct Block *next;  // the next free block; of no meaning in a block that is in use
} Block;

_Static_assert(sizeof(Block) == 8, "payloads are placed for a header of 8 bytes");

enum { ALIGNMENT = 16, LEAST_REST = 32 };  // a rest smaller than that is not worth a block of its own

static Block *free_blocks;
static int is_ready, is_sealed;
static size_t used, peak;

static void prepare(void) {
  is_ready = 1;
  const uintptr_t first_payload =
      ((uintptr_t)_heap_start + sizeof(Block) + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1);
  free_blocks = (Block *)(first_payload - sizeof(Block));
  free_blocks->size =
      (((size_t)(_heap_end - (uint8_t *)free_blocks)) & ~(size_t)(ALIGNMENT - 1)) - sizeof(Block);
  free_blocks->next = 0;
}

__attribute__((noreturn)) static void exhausted(void) {
  for (;;) __asm__ volatile("udf #1");
}

int posix_memalign(void **out, size_t alignment, size_t size) {
  // Before anything else, so that the fault still shows who called.
  if (is_sealed) __asm__ volatile("udf #4");
  if (!is_ready) prepare();
  if (alignment > ALIGNMENT || size > (size_t)(_heap_end - _heap_start)) exhausted();
  size = ((size + sizeof(Block) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1)) - sizeof(Block);
  for (Block **link = &free_blocks; *link; link = &(*link)->next) {
    Block *block = *link;
    if (block->size < size) continue;
    if (block->size >= size + LEAST_REST) {
      Block *rest = (Block *)((uint8_t *)(block + 1) + size);
      rest->size = block->size - size - sizeof(Block);
      rest->next = block->next;
      block->size = size;
      *link = rest;
    } else {
      *link = block->next;
    }
    used += block->size + sizeof(Block);
    if (used > peak) peak = used;
    *out = block + 1;
    return 0;
  }
  exhausted();
}

static int touches(const Block *lower, const Block *upper) {
  return (const uint8_t *)(lower + 1) + lower->size == (const uint8_t *)upper;
}

void free(void *payload) {
  if (!payload) return;
  Block *block = (Block *)payload - 1;
  used -= block->size + sizeof(Block);
  Block *below = 0, *above = free_blocks;
  while (above && above < block) {
    below = above;
    above = above->next;
  }
  block->next = above;
  if (above && touches(block, above)) {
    block->size += above->size + sizeof(Block);
    block->next = above->next;
  }
  if (!below) {
    free_blocks = block;
  } else if (touches(below, block)) {
    below->size += block->size + sizeof(Block);
    below->next = block->next;
  } else {
    below->next = block;
  }
}

void heap_seal(void) { is_sealed = 1; }

size_t heap_peak_bytes(void) { return peak; }
