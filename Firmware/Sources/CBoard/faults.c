// What is kept of a fault while the processor restarts.
#include <stdint.h>

#include "CBoard.h"

// Memory that start-up does not touch holds anything after power-up: the checksum tells.
static __attribute__((section(".noinit"))) struct {
  struct FaultRecord record;
  uint32_t has_record;
  uint32_t in_a_row;
  uint32_t checksum;
} kept;

static uint32_t checksum(void) {
  // FNV-1a by words, so that zeros are not their own checksum.
  uint32_t hash = 2166136261u;
  for (const uint32_t *p = (const uint32_t *)&kept; p < &kept.checksum; p++) hash = (hash ^ *p) * 16777619u;
  return hash;
}

static void make_valid(void) {
  if (kept.checksum == checksum()) return;
  kept.has_record = 0;
  kept.in_a_row = 0;
}

uint32_t fault_keep(const struct FaultRecord *record) {
  make_valid();
  kept.record = *record;
  kept.has_record = 1;
  kept.in_a_row++;
  kept.checksum = checksum();
  return kept.in_a_row;
}

_Bool fault_kept(struct FaultRecord *record) {
  if (kept.checksum != checksum() || !kept.has_record) return 0;
  *record = kept.record;
  return 1;
}

void fault_told(void) {
  make_valid();
  kept.has_record = 0;
  kept.checksum = checksum();
}

void faults_forget(void) {
  make_valid();
  kept.in_a_row = 0;
  kept.checksum = checksum();
}

__attribute__((noreturn)) void system_reset(void) {
  enum { AIRCR = 0xE000ED0C, KEY = 0x05FA0000, SYSRESETREQ = 1 << 2 };
  __asm__ volatile("dsb" ::: "memory");
  register_write(AIRCR, KEY | SYSRESETREQ);
  for (;;) __asm__ volatile("dsb" ::: "memory");
}
