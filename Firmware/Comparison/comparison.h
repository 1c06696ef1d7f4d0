#pragma once
#include <stdint.h>

enum { MOST_INPUTS = 256, MOST_CLASSES = 10 };

// The step of baseline_train_step, in double precision. `weights` holds `classes` rows of `inputs`, `room` has space
// for `classes` numbers.
void double_train_step(double *weights, double *biases, const double *x, double *room, int inputs, int classes,
                       int label, double rate);

// What tinyfedtl_train_step computes in between.
struct TinyFedTLRoom {
  double outputs[MOST_CLASSES], inputs[MOST_INPUTS], gradient[MOST_INPUTS * MOST_CLASSES];
};

// The formulation of TinyFedTL's head (Kopparapu and Lin, "TinyFedTL: Federated Transfer Learning on Tiny Devices",
// 2021), written anew. `weights` holds `inputs` rows of `classes`. With `batch` 1 and without `decay` it learns what
// the others learn.
void tinyfedtl_train_step(double *weights, double *biases, const double *x, struct TinyFedTLRoom *room,
                          int inputs, int classes, int label, double rate, double decay, int batch);
