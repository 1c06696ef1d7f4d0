// Counts instructions of what the image TrainingBench does, compiled by GCC: the same C, the same step in double
// precision, and TinyFedTL's. Scripts/bench-embedded builds and runs it, with QEMU's `-icount shift=0`.
//
// The hashes of what was learnt must be those of TrainingBench's C.
#include "CBaseline.h"
#include "CBoard.h"
#include "comparison.h"

enum { STEPS = 200, DOUBLE_STEPS = 20 };

static float weights[MOST_INPUTS * MOST_CLASSES], biases[MOST_CLASSES], room[MOST_CLASSES], x[MOST_INPUTS];
static double double_weights[MOST_INPUTS * MOST_CLASSES], double_biases[MOST_CLASSES], double_x[MOST_INPUTS];
static struct TinyFedTLRoom double_room;
static int8_t bytes_a[MOST_INPUTS], bytes_b[MOST_INPUTS];

// TIMER0 counts 25 MHz down; with `shift=0` a tick is 40 instructions.
static uint32_t instructions(void) {
  enum { CONTROL = 0x40000000, VALUE = 0x40000004, RELOAD = 0x40000008, CYCLE_MARK = 0x21060004 };
  if (!(register_read(CONTROL) & 1)) {
    register_write(RELOAD, UINT32_MAX);
    register_write(VALUE, UINT32_MAX);
    register_write(CONTROL, 1);
  }
  register_write(CYCLE_MARK, 0);
  return (UINT32_MAX - register_read(VALUE)) * 40;
}

// Semihosting's SYS_WRITE0 would go to standard error; the other images write to UART0.
static void put(char character) {
  enum { DATA = 0x40004000, STATE = 0x40004004, CONTROL = 0x40004008, DIVISOR = 0x40004010 };
  register_write(DIVISOR, 16);
  register_write(CONTROL, 1);
  while (register_read(STATE) & 1) {
  }
  register_write(DATA, (uint32_t)character);
}

static void print(const char *text) {
  while (*text) put(*text++);
}

static void print_decimal(uint32_t value) {
  if (value >= 10) print_decimal(value / 10);
  put((char)('0' + value % 10));
}

static void print_line(const char *kind, const char *name, const char *what, uint32_t value) {
  print(kind);
  print(" ");
  print(name);
  print(" ");
  print(what);
  print(" ");
  print_decimal(value);
}

// The lines of InstructionCounter.swift.
static void report(const char *name, const char *whose, uint32_t instructions, uint32_t units) {
  print_line("bench", name, whose, instructions);
  print(" ");
  print_decimal(units);
  print("\n");
}

static void check(const char *name, const char *what, uint32_t value) {
  print_line("check", name, what, value);
  print("\n");
}

// SplitMix64, as in the core (WeightInitialisation.swift).
static uint64_t state;
static uint64_t next(void) {
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// FNV-1a over words.
static uint32_t hash(const float *values, int count) {
  uint32_t hash = 2166136261u;
  for (int i = 0; i < count; i++) {
    const union {
      float value;
      uint32_t bits;
    } word = {values[i]};
    hash = (hash ^ word.bits) * 16777619u;
  }
  return hash;
}

static void train(int steps, int inputs, int classes) {
  for (int i = 0; i < inputs * classes; i++) weights[i] = 0;
  for (int c = 0; c < classes; c++) biases[c] = 0;
  for (int step = 0; step < steps; step++)
    baseline_train_step(weights, biases, x, room, inputs, classes, step % classes, 0.01f);
}

static void train_in_double(_Bool like_tinyfedtl, int inputs, int classes) {
  for (int i = 0; i < inputs * classes; i++) double_weights[i] = 0;
  for (int c = 0; c < classes; c++) double_biases[c] = 0;
  for (int step = 0; step < DOUBLE_STEPS; step++) {
    const int label = step % classes;
    if (like_tinyfedtl)
      tinyfedtl_train_step(double_weights, double_biases, double_x, &double_room, inputs, classes, label, 0.01, 0, 1);
    else
      double_train_step(double_weights, double_biases, double_x, double_room.outputs, inputs, classes, label, 0.01);
  }
}

// Whether double precision learnt what single precision did: otherwise the comparison would mean nothing.
static uint32_t differing(_Bool input_by_input, int inputs, int classes) {
  uint32_t count = 0;
  for (int c = 0; c < classes; c++) {
    for (int i = 0; i < inputs; i++) {
      const double other = double_weights[input_by_input ? i * classes + c : c * inputs + i];
      const float difference = weights[c * inputs + i] - (float)other;
      if (!(difference < 1e-5f && difference > -1e-5f)) count++;
    }
  }
  return count;
}

static void measure(const char *name, int inputs, int classes) {
  state = 1;
  for (int i = 0; i < inputs; i++) {
    x[i] = (float)((int32_t)(next() >> 40) - 8388608) / 8388608;
    double_x[i] = x[i];
  }
  train(DOUBLE_STEPS, inputs, classes);

  uint32_t start = instructions();
  train_in_double(0, inputs, classes);
  report(name, "lean-double", instructions() - start, DOUBLE_STEPS);
  uint32_t wrong = differing(0, inputs, classes);
  start = instructions();
  train_in_double(1, inputs, classes);
  report(name, "double", instructions() - start, DOUBLE_STEPS);
  wrong += differing(1, inputs, classes);
  check(name, "double-differing", wrong);

  start = instructions();
  train(STEPS, inputs, classes);
  report(name, "gcc", instructions() - start, STEPS);
  check(name, "gcc-hash", hash(weights, inputs * classes));
}

static void measure_dot_product(void) {
  state = 2;
  for (int i = 0; i < MOST_INPUTS; i++) bytes_a[i] = (int8_t)next(), bytes_b[i] = (int8_t)next();
  uint32_t sum = 0;
  const uint32_t start = instructions();
  for (int step = 0; step < STEPS; step++) sum += (uint32_t)baseline_dot_int8(bytes_a, bytes_b, MOST_INPUTS);
  report("dot_int8_256", "gcc", instructions() - start, STEPS);
  check("dot_int8_256", "gcc-hash", sum);
}

void board_fault(const struct FaultRecord *record) {
  check("fault", "pc", record->pc);
  for (;;) semihosting_call(0x20, (uint32_t[]){0x20026, 70});
}

int main(void) {
  measure("train_step_256x10", 256, 10);
  measure("train_step_256x2", 256, 2);
  measure("train_step_64x10", 64, 10);
  measure_dot_product();
  for (;;) semihosting_call(0x20, (uint32_t[]){0x20026, 0});
}
