// The memory and mathematics functions that compiled Swift and C call by name; there is no C library here.
// Built with -ffreestanding, without which the compiler would turn these loops into calls of themselves.
#include <stddef.h>
#include <stdint.h>

struct __attribute__((packed, may_alias)) AnyWord {
  uint32_t value;
};

__attribute__((noinline)) void *memcpy(void *restrict destination, const void *restrict source, size_t count) {
  uint8_t *to = destination;
  const uint8_t *from = source;
  for (; count && ((uintptr_t)to & 3); count--) *to++ = *from++;
  uint32_t *to_word = (uint32_t *)to;
  // The processor reads words from anywhere.
  const struct AnyWord *from_word = (const struct AnyWord *)from;
  for (; count >= 16; count -= 16, to_word += 4, from_word += 4) {
    const uint32_t a = from_word[0].value, b = from_word[1].value, c = from_word[2].value, d = from_word[3].value;
    to_word[0] = a, to_word[1] = b, to_word[2] = c, to_word[3] = d;
  }
  for (; count >= 4; count -= 4) *to_word++ = (from_word++)->value;
  to = (uint8_t *)to_word;
  from = (const uint8_t *)from_word;
  while (count--) *to++ = *from++;
  return destination;
}

void *memmove(void *destination, const void *source, size_t count) {
  // The difference wraps around where the destination lies below: then a copy upwards is right as well.
  if ((uintptr_t)destination - (uintptr_t)source >= count) return memcpy(destination, source, count);
  uint8_t *to = (uint8_t *)destination + count;
  const uint8_t *from = (const uint8_t *)source + count;
  while (count--) *--to = *--from;
  return destination;
}

// Out of line: three names of the run-time ABI lead here.
__attribute__((noinline)) void *memset(void *destination, int value, size_t count) {
  uint8_t *to = destination;
  for (; count && ((uintptr_t)to & 3); count--) *to++ = (uint8_t)value;
  const uint32_t word = (uint8_t)value * 0x01010101u;
  uint32_t *to_word = (uint32_t *)to;
  for (; count >= 16; count -= 16, to_word += 4) {
    to_word[0] = word, to_word[1] = word, to_word[2] = word, to_word[3] = word;
  }
  for (; count >= 4; count -= 4) *to_word++ = word;
  to = (uint8_t *)to_word;
  while (count--) *to++ = (uint8_t)value;
  return destination;
}

int memcmp(const void *left, const void *right, size_t count) {
  const uint8_t *a = left, *b = right;
  for (; count; count--, a++, b++) {
    if (*a != *b) return *a - *b;
  }
  return 0;
}

// The names of the Arm run-time ABI (RTABI 4.3.4). Its memset takes the count before the value.
#define SAME_AS(function) __attribute__((alias(#function)))
SAME_AS(memcpy) void __aeabi_memcpy(void *, const void *, size_t);
SAME_AS(memcpy) void __aeabi_memcpy4(void *, const void *, size_t);
SAME_AS(memcpy) void __aeabi_memcpy8(void *, const void *, size_t);
SAME_AS(memmove) void __aeabi_memmove(void *, const void *, size_t);
SAME_AS(memmove) void __aeabi_memmove4(void *, const void *, size_t);
SAME_AS(memmove) void __aeabi_memmove8(void *, const void *, size_t);
void __aeabi_memset(void *to, size_t n, int value) { memset(to, value, n); }
void __aeabi_memclr(void *to, size_t n) { memset(to, 0, n); }
SAME_AS(__aeabi_memset) void __aeabi_memset4(void *, size_t, int);
SAME_AS(__aeabi_memset) void __aeabi_memset8(void *, size_t, int);
SAME_AS(__aeabi_memclr) void __aeabi_memclr4(void *, size_t);
SAME_AS(__aeabi_memclr) void __aeabi_memclr8(void *, size_t);

// One instruction; correctly rounded, so the same bits as everywhere. Swift's squareRoot() calls it for NaN.
float sqrtf(float x) {
  float root;
  __asm__("vsqrt.f32 %0, %1" : "=t"(root) : "t"(x));
  return root;
}
