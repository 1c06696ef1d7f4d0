// What only debug builds ask for. Release builds drop these sections.
#include <stddef.h>

// The seed of Hasher, which nothing here uses: a Set or Dictionary in the firmware is a mistake.
__attribute__((noreturn)) void arc4random_buf(void *buffer, size_t count) {
  (void)buffer, (void)count;
  for (;;) __asm__ volatile("udf #3");
}
