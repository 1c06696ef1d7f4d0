// Called by Unicorn before every instruction: the one thing that is too much for Python. It counts, because virtual time
// is instructions, and stops the engine exactly before the instruction that must wait: Unicorn itself stops, when asked
// by whom an instruction has called, sometimes before and sometimes behind it. engine.py says what the fields mean.
#include <stdint.h>

enum { REASON_NONE, REASON_LIMIT, REASON_MASKS, REASON_NO_COPROCESSOR };
enum { SEND_EVENT = 0xBF40 };

struct Engine {
  uint64_t executed, limit;
  uint32_t address, reason;
  uint32_t event, watches_masks, lacks_coprocessor;
  uint32_t waiting, group_mask, mask_registers[3];
  const uint8_t *flash, *ram;
  uint32_t flash_bytes, ram_base, ram_bytes;
  int (*emu_stop)(void *);
  int (*reg_read)(void *, int, void *);
};

static const uint16_t *code_at(const struct Engine *engine, uint32_t address) {
  if (address < engine->flash_bytes) return (const uint16_t *)(engine->flash + address);
  if (address - engine->ram_base < engine->ram_bytes) return (const uint16_t *)(engine->ram + (address - engine->ram_base));
  return 0;
}

// Instructions of coprocessors 10 and 11, which are the floating-point unit (Armv7-M ARM A5.3.18).
static int is_floating_point(const uint16_t *code) {
  return (code[0] & 0xEC00) == 0xEC00 && ((code[1] >> 8 & 0xF) == 10 || (code[1] >> 8 & 0xF) == 11);
}

// Whether the masks let an exception of the urgency `waiting` through (Armv7-M ARM B1.4.3).
static int is_let_through(void *unicorn, const struct Engine *engine) {
  uint32_t value[3] = {0, 0, 0};
  for (int i = 0; i < 3; i++) engine->reg_read(unicorn, (int)engine->mask_registers[i], &value[i]);
  const uint32_t primask = value[0], basepri = value[1] & engine->group_mask, faultmask = value[2];
  return !(primask & 1) && !(faultmask & 1) && (basepri == 0 || engine->waiting < basepri);
}

static uint32_t reason_to_stop(void *unicorn, const struct Engine *engine, const uint16_t *code, uint32_t size) {
  if (engine->executed >= engine->limit) return REASON_LIMIT;
  if (engine->watches_masks && is_let_through(unicorn, engine)) return REASON_MASKS;
  if (engine->lacks_coprocessor && code && size == 4 && is_floating_point(code)) return REASON_NO_COPROCESSOR;
  return REASON_NONE;
}

void before_instruction(void *unicorn, uint64_t address, uint32_t size, struct Engine *engine) {
  const uint16_t *code = code_at(engine, (uint32_t)address);
  engine->address = (uint32_t)address;
  if (engine->executed >= engine->limit || engine->watches_masks | engine->lacks_coprocessor) {
    engine->reason = reason_to_stop(unicorn, engine, code, size);
    // Inside an IT block Unicorn goes on to its end; it is asked again before every instruction until it obeys.
    if (engine->reason != REASON_NONE) engine->emu_stop(unicorn);
  }
  engine->executed++;
  if (code && *code == SEND_EVENT) engine->event = 1;
}
