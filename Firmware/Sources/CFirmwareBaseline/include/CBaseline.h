// A training step as C programmers write it: what the Swift core's figures are ratios to.
#pragma once
#include <stdint.h>

// One step of gradient descent on softmax cross entropy for one example. `weights` holds `classes` rows of
// `inputs`, `room` has space for `classes` floats. Returns the loss before the step.
float baseline_train_step(float *weights, float *biases, const float *x, float *room, int inputs,
                          int classes, int label, float rate);

// The sum of the products of 8-bit numbers.
int32_t baseline_dot_int8(const int8_t *a, const int8_t *b, int count);
