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
  uint32_t masks[3], mask_registers[3];
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

static int masks_changed(void *unicorn, const struct Engine *engine) {
  for (int i = 0; i < 3; i++) {
    uint32_t value = 0;
    engine->reg_read(unicorn, (int)engine->mask_registers[i], &value);
    if (value != engine->masks[i]) return 1;
  }
  return 0;
}

void before_instruction(void *unicorn, uint64_t address, uint32_t size, struct Engine *engine) {
  const uint16_t *code = code_at(engine, (uint32_t)address);
  uint32_t reason = REASON_NONE;
  if (engine->executed >= engine->limit) {
    reason = REASON_LIMIT;
  } else if (engine->watches_masks && masks_changed(unicorn, engine)) {
    reason = REASON_MASKS;
  } else if (code && size == 4 && engine->lacks_coprocessor && is_floating_point(code)) {
    reason = REASON_NO_COPROCESSOR;
  }
  engine->address = (uint32_t)address;
  engine->reason = reason;
  // Inside an IT block Unicorn goes on to its end; it is asked again before every instruction until it obeys.
  if (reason != REASON_NONE) engine->emu_stop(unicorn);
  engine->executed++;
  if (code && *code == SEND_EVENT) engine->event = 1;
}
