// What every Cortex-M4F board shares: registers, the processor's few instructions that Swift has no word
// for, the memory's state, and what is known of a fault.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Plain `static inline` was sometimes left out of line when called from Swift.
#define CBOARD_INLINE static inline __attribute__((always_inline))

CBOARD_INLINE uint32_t register_read(uint32_t address) { return *(volatile uint32_t *)address; }
CBOARD_INLINE void register_write(uint32_t address, uint32_t value) {
  *(volatile uint32_t *)address = value;
}

CBOARD_INLINE void wait_for_interrupt(void) { __asm__ volatile("wfi" ::: "memory"); }
CBOARD_INLINE void interrupts_disable(void) { __asm__ volatile("cpsid i" ::: "memory"); }
CBOARD_INLINE void interrupts_enable(void) { __asm__ volatile("cpsie i" ::: "memory"); }
CBOARD_INLINE void data_barrier(void) { __asm__ volatile("dsb" ::: "memory"); }
CBOARD_INLINE void instruction_barrier(void) { __asm__ volatile("dsb\n isb" ::: "memory"); }

// A request to the debugger or emulator (Arm semihosting). On a board that has neither it is a fault: only
// images that are made for an emulator may use it.
CBOARD_INLINE uint32_t semihosting_call(uint32_t operation, void *argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

// What the processor knew when it faulted. A Swift trap is an undefined instruction: status 0x00010000.
struct FaultRecord {
  uint32_t exception;  // number of the exception: 2 the watchdog's interrupt, 3 to 6 a fault
  uint32_t status;     // CFSR, Armv7-M Architecture Reference Manual B3.2.15
  uint32_t address;    // MMFAR if the status says that it is valid, else BFAR; may be meaningless
  uint32_t pc;         // where it happened; 0 if the stack could not take the registers
  uint32_t lr;         // where that was called from; 0 likewise
};

// Called once by the fault handler on a fresh stack, with interrupts off. An image defines it: it reports or
// keeps the record, then restarts or stops. If it returns, the processor stops in an endless loop.
void board_fault(const struct FaultRecord *record);

// Called after a reset before memory has its content: only registers may be used. A board that is started by a
// bootloader defines it to stop what still runs.
void board_before_memory(void);

// Lets writes through to a part of what is protected: below RAM everything is read-only from the start. `size` is a
// power of two and `base` a multiple of it. There is one such part.
void memory_let_write(uint32_t base, uint32_t size);

// The firmware's version, ASCII, filled up with zeros.
enum { FIRMWARE_VERSION_LENGTH = 16 };
const uint8_t *firmware_version(void);

// Keeps a record over a reset, in memory that start-up leaves alone. Returns how many faults in a row were
// kept without faults_forget(), this one included.
uint32_t fault_keep(const struct FaultRecord *record);
// The record kept before the reset; false if there is none, as after power-up.
_Bool fault_kept(struct FaultRecord *record);
// There is no record any more; faults in a row go on being counted.
void fault_told(void);
// The firmware has worked for a while: the next fault is the first in a row.
void faults_forget(void);

// Resets processor and peripherals; memory keeps its content.
__attribute__((noreturn)) void system_reset(void);

void heap_seal(void);           // from now on, asking for memory is a fault: udf #4
size_t heap_peak_bytes(void);   // most of the heap that was ever in use, block headers included
size_t stack_peak_bytes(void);  // most of the stack that was ever in use

extern uint8_t _image_end[], _stack_bottom[], _stack_top[], _heap_start[], _heap_end[];

CBOARD_INLINE size_t stack_region_bytes(void) { return (size_t)(_stack_top - _stack_bottom); }
CBOARD_INLINE size_t static_bytes(void) { return (size_t)(_heap_start - _stack_top); }
