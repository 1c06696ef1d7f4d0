// Compiled at -O3. exp and log are those of the core (Cephes), so that the difference is the loops.
#include <stdint.h>

#include "CBaseline.h"

typedef union {
  float value;
  uint32_t bits;
} Pattern;

static float power_of_two(int32_t exponent) {
  return ((Pattern){.bits = (uint32_t)(exponent + 127) << 23}).value;
}

static float exponential(float x) {
  if (x < -87) return 0;
  if (x > 88) x = 88;
  const float rounder = 12582912;
  const Pattern rounded = {.value = x * 1.44269504f + rounder};
  const float k = rounded.value - rounder;
  const float r = (x - k * 0.693359375f) - k * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1;
  return p * power_of_two((int32_t)(rounded.bits - ((Pattern){.value = rounder}).bits));
}

static float logarithm(float x) {
  const Pattern whole = {.value = x};
  int32_t exponent = (int32_t)(whole.bits >> 23) - 126;
  float m = ((Pattern){.bits = (whole.bits & 0x007fffff) | 0x3f000000}).value;
  if (m < 0.707106781f) {
    exponent--;
    m = m + m;
  }
  m -= 1;
  const float z = m * m;
  float y = 7.0376836292e-2f;
  y = y * m - 1.1514610310e-1f;
  y = y * m + 1.1676998740e-1f;
  y = y * m - 1.2420140846e-1f;
  y = y * m + 1.4249322787e-1f;
  y = y * m - 1.6668057665e-1f;
  y = y * m + 2.0000714765e-1f;
  y = y * m - 2.4999993993e-1f;
  y = y * m + 3.3333331174e-1f;
  y = y * m * z;
  y += (float)exponent * -2.12194440e-4f;
  y -= 0.5f * z;
  return m + y + (float)exponent * 0.693359375f;
}

float baseline_train_step(float *weights, float *biases, const float *x, float *room, int inputs,
                          int classes, int label, float rate) {
  float top = -3.0e38f;
  for (int c = 0; c < classes; c++) {
    const float *row = weights + c * inputs;
    float sum = biases[c];
    for (int i = 0; i < inputs; i++) sum += row[i] * x[i];
    room[c] = sum;
    if (sum > top) top = sum;
  }
  float total = 0;
  for (int c = 0; c < classes; c++) {
    room[c] = exponential(room[c] - top);
    total += room[c];
  }
  const float inverse = 1 / total;
  const float loss = -logarithm(room[label] * inverse);
  for (int c = 0; c < classes; c++) {
    float *row = weights + c * inputs;
    const float g = rate * (room[c] * inverse - (c == label));
    for (int i = 0; i < inputs; i++) row[i] -= g * x[i];
    biases[c] -= g;
  }
  return loss;
}
