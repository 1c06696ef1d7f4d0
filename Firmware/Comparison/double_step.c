// Training steps in double precision. A Cortex-M4F has no double-precision unit, so each operation is a call into
// the compiler's library.
#include "comparison.h"

typedef union {
  double value;
  uint64_t bits;
} Pattern;

// After Cephes' exp.c (Stephen Moshier): e^r = 1 + 2 r P(r²) / (Q(r²) - r P(r²)) for |r| up to ln 2 / 2.
static double exponential(double x) {
  if (x < -700) return 0;
  const int k = (int)(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
  const double r = (x - k * 6.93145751953125e-1) - k * 1.42860682030941723212e-6;
  const double z = r * r;
  const double p =
      r * ((1.26177193074810590878e-4 * z + 3.02994407707441961300e-2) * z + 9.99999999999999999910e-1);
  const double q =
      ((3.00198505138664455042e-6 * z + 2.52448340349684104192e-3) * z + 2.27265548208155028766e-1) * z + 2;
  return (1 + 2 * (p / (q - p))) * ((Pattern){.bits = (uint64_t)(k + 1023) << 52}).value;
}

static void softmax(double *values, int count) {
  double top = -1e300, total = 0;
  for (int c = 0; c < count; c++) top = values[c] > top ? values[c] : top;
  for (int c = 0; c < count; c++) {
    values[c] = exponential(values[c] - top);
    total += values[c];
  }
  for (int c = 0; c < count; c++) values[c] /= total;
}

void double_train_step(double *weights, double *biases, const double *x, double *room, int inputs, int classes,
                       int label, double rate) {
  for (int c = 0; c < classes; c++) {
    const double *row = weights + c * inputs;
    double sum = biases[c];
    for (int i = 0; i < inputs; i++) sum += row[i] * x[i];
    room[c] = sum;
  }
  softmax(room, classes);
  for (int c = 0; c < classes; c++) {
    double *row = weights + c * inputs;
    const double g = rate * (room[c] - (c == label));
    for (int i = 0; i < inputs; i++) row[i] -= g * x[i];
    biases[c] -= g;
  }
}

// With p the softmax of b + x W, y the label as ones and zeros, B the batch and λ the decay, TinyFedTL computes
//
//     δ = p - y      e = δ Wᵀ / B      G = xᵀ δ / B      W = W (1 - η λ / B) - η G      b = b - η δ / B
//
// element by element: the division by B is one for each weight, and e, which would be for a layer below that is
// not there, is computed as well. Its weights lie input by input.
void tinyfedtl_train_step(double *weights, double *biases, const double *x, struct TinyFedTLRoom *room,
                          int inputs, int classes, int label, double rate, double decay, int batch) {
  double *delta = room->outputs;
  for (int j = 0; j < classes; j++) {
    double sum = 0;
    for (int i = 0; i < inputs; i++) sum += x[i] * weights[i * classes + j];
    delta[j] = sum + biases[j];
  }
  softmax(delta, classes);
  for (int j = 0; j < classes; j++) delta[j] -= j == label;

  for (int i = 0; i < inputs; i++) {
    double error = 0;
    for (int j = 0; j < classes; j++) error += delta[j] * weights[i * classes + j] / batch;
    room->inputs[i] = error;
  }
  for (int i = 0; i < inputs; i++) {
    for (int j = 0; j < classes; j++) room->gradient[i * classes + j] = 0 + x[i] * delta[j] / batch;
  }
  const double kept = 1 - rate * decay / batch;
  for (int i = 0; i < inputs * classes; i++) weights[i] = weights[i] * kept - rate * room->gradient[i];
  for (int j = 0; j < classes; j++) biases[j] -= rate * delta[j] / batch;
}
