// Compiled at -O3.
#include "CBaseline.h"

int32_t baseline_dot_int8(const int8_t *a, const int8_t *b, int count) {
  int32_t sum = 0;
  for (int i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}
