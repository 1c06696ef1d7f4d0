// Division of 64-bit numbers, for which the processor has no instruction. Long division in base 2: it is asked
// for when a time becomes seconds, not in any loop.
#include <stdint.h>

__attribute__((used)) static uint64_t divide(uint64_t dividend, uint64_t divisor, uint64_t *remainder) {
  if (divisor == 0) __asm__ volatile("udf #5");
  uint64_t quotient = 0, rest = 0;
  for (int bit = 63; bit >= 0; bit--) {
    const uint64_t carry = rest >> 63;
    rest = rest << 1 | (dividend >> bit & 1);
    if (carry || rest >= divisor) {
      rest -= divisor;
      quotient |= 1ULL << bit;
    }
  }
  *remainder = rest;
  return quotient;
}

// The quotient in r0 and r1, the remainder in r2 and r3 (RTABI 4.2): more than C can return.
__attribute__((naked)) void __aeabi_uldivmod(void) {
  __asm__ volatile(
      "push {r4, lr}\n"
      "sub sp, #16\n"
      "add r4, sp, #8\n"
      "str r4, [sp]\n"
      "bl divide\n"
      "ldrd r2, r3, [sp, #8]\n"
      "add sp, #16\n"
      "pop {r4, pc}\n");
}
