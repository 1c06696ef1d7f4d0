// The Nano 33 BLE's memory map, and memory that Swift has no literal for.
#pragma once
#include <stdint.h>

// Parts of flash: see Linker/nano33ble.ld.
extern uint8_t _examples_start[], _examples_end[], _storage_start[], _storage_end[];

static inline const uint8_t *examples_start(void) { return _examples_start; }
static inline uint32_t examples_bytes(void) { return (uint32_t)(_examples_end - _examples_start); }
static inline uint8_t *storage_start(void) { return _storage_start; }
static inline uint32_t storage_bytes(void) { return (uint32_t)(_storage_end - _storage_start); }

// Room for the order of the examples.
enum { MOST_EXAMPLES = 2048 };
uint16_t *example_table(void);
