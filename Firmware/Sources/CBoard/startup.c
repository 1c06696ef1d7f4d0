// From reset to main(), and from a fault to the board's fault hook.
#include <stdint.h>

#include "CBoard.h"

extern uint32_t _data_start[], _data_end[], _data_load[], _bss_start[], _bss_end[];
extern int main(int, char **);  // SwiftPM renames a Swift entry point and links it as this

enum {
  VTOR = 0xE000ED08,       // address of the vector table
  CFSR = 0xE000ED28,       // configurable fault status
  MMFAR = 0xE000ED34,      // address of a memory protection fault
  BFAR = 0xE000ED38,       // address of a bus fault
  MPU_TYPE = 0xE000ED90,
  MPU_CONTROL = 0xE000ED94,
  MPU_NUMBER = 0xE000ED98,
  MPU_BASE = 0xE000ED9C,
  MPU_ATTRIBUTES = 0xE000EDA0,
};

#define STACK_PAINT 0xDEADBEEFu

// --- Interrupts -----------------------------------------------------------------------------------------
// A driver in Swift takes an interrupt over by defining its symbol: @c(IRQ0_Handler) public func …

static void unexpected_interrupt(void) { __asm__ volatile("udf #2"); }
__attribute__((weak)) void SysTick_Handler(void) {}

#define IRQ(n) __attribute__((weak, alias("unexpected_interrupt"))) void IRQ##n##_Handler(void);
#define EIGHT_IRQS(X, a, b, c, d, e, f, g, h) X(a) X(b) X(c) X(d) X(e) X(f) X(g) X(h)
#define ALL_IRQS(X)                          \
  EIGHT_IRQS(X, 0, 1, 2, 3, 4, 5, 6, 7)         \
  EIGHT_IRQS(X, 8, 9, 10, 11, 12, 13, 14, 15)   \
  EIGHT_IRQS(X, 16, 17, 18, 19, 20, 21, 22, 23) \
  EIGHT_IRQS(X, 24, 25, 26, 27, 28, 29, 30, 31) \
  EIGHT_IRQS(X, 32, 33, 34, 35, 36, 37, 38, 39) \
  EIGHT_IRQS(X, 40, 41, 42, 43, 44, 45, 46, 47)
ALL_IRQS(IRQ)

// --- Faults ---------------------------------------------------------------------------------------------

__attribute__((weak)) void board_fault(const struct FaultRecord *record) { (void)record; }

// `frame` is the stack pointer at the fault. The processor has put r0-r3, r12, lr, pc and the status there,
// unless the stack was used up: then the frame does not lie in the stack and is not read.
__attribute__((noreturn, used)) static void fault_on_fresh_stack(const uint32_t *frame) {
  __asm__ volatile("cpsid i" ::: "memory");
  const uint32_t status = register_read(CFSR);
  struct FaultRecord record = {.status = status};
  __asm__ volatile("mrs %0, ipsr" : "=r"(record.exception));
  record.address = register_read(status & 0x80 ? MMFAR : BFAR);
  if ((const uint8_t *)frame >= _stack_bottom && (const uint8_t *)(frame + 8) <= _stack_top) {
    record.lr = frame[5];
    record.pc = frame[6];
  }
  board_fault(&record);
  for (;;) {
  }
}

__attribute__((naked, noreturn)) static void fault_handler(void) {
  __asm__ volatile(
      "mov r0, sp\n"
      "ldr r1, =_stack_top\n"
      "mov sp, r1\n"
      "b fault_on_fresh_stack\n");
}

// --- Reset ----------------------------------------------------------------------------------------------

void Reset_Handler(void);

typedef void (*Vector)(void);
#define ENTRY_OF(n) IRQ##n##_Handler,
__attribute__((section(".vectors"), used, aligned(512))) static const Vector vectors[16 + 48] = {
    (Vector)(uintptr_t)_stack_top,
    Reset_Handler,
    fault_handler,  // non-maskable interrupt: a watchdog's last word before it resets
    fault_handler,  // hard fault; the three below escalate to it, as they are not switched on
    fault_handler,  // memory management
    fault_handler,  // bus
    fault_handler,  // usage
    0, 0, 0, 0,
    unexpected_interrupt,  // supervisor call
    unexpected_interrupt,  // debug monitor
    0,
    unexpected_interrupt,  // pendable service call
    SysTick_Handler,
    ALL_IRQS(ENTRY_OF)};

static void protect(uint32_t region, uint32_t base, uint32_t attributes) {
  register_write(MPU_NUMBER, region);
  register_write(MPU_BASE, base);
  register_write(MPU_ATTRIBUTES, attributes);
}

// A bootloader may have left the protection on, with regions that count more than ours.
static void unprotect_memory(void) {
  register_write(MPU_CONTROL, 0);
  const uint32_t regions = register_read(MPU_TYPE) >> 8 & 0xFF;
  for (uint32_t region = 0; region < regions; region++) protect(region, 0, 0);
  __asm__ volatile("dsb\n isb" ::: "memory");
}

// The stack may only hold what the processor can protect: everything below RAM (null, code, and what an
// overflowing stack runs into) is read-only. Without this region an emulator's writable code memory hides a
// stack overflow, and so does a real board's bootloader region. Data is not executed; the rest keeps its
// default attributes.
static void protect_memory(void) {
  enum { ENABLE = 1, SIZE_512_MIB = 28 << 1, NORMAL_MEMORY = 2 << 16 };
  enum { READ_WRITE = 3 << 24, READ_ONLY = 6 << 24, NEVER_EXECUTE = 1 << 28 };
  enum { MPU_ON = 1, DEFAULT_MAP_ELSEWHERE = 4 };
  protect(0, 0, READ_ONLY | NORMAL_MEMORY | SIZE_512_MIB | ENABLE);
  protect(1, 0x20000000, NEVER_EXECUTE | READ_WRITE | NORMAL_MEMORY | SIZE_512_MIB | ENABLE);
  register_write(MPU_CONTROL, MPU_ON | DEFAULT_MAP_ELSEWHERE);
  __asm__ volatile("dsb\n isb" ::: "memory");
}

void memory_let_write(uint32_t base, uint32_t size) {
  enum { ENABLE = 1, NORMAL_MEMORY = 2 << 16, READ_WRITE = 3 << 24, NEVER_EXECUTE = 1 << 28 };
  const uint32_t exponent = 31 - (uint32_t)__builtin_clz(size);
  protect(2, base, NEVER_EXECUTE | READ_WRITE | NORMAL_MEMORY | (exponent - 1) << 1 | ENABLE);
  __asm__ volatile("dsb\n isb" ::: "memory");
}

__attribute__((weak)) void board_before_memory(void) {}

__attribute__((noreturn, used)) static void reset_with_fpu(void) {
  register_write(VTOR, (uint32_t)vectors);  // a bootloader may have left its own
  unprotect_memory();
  board_before_memory();

  // Paint the stack up to shortly below this frame, for stack_peak_bytes().
  uint32_t *painted_end = (uint32_t *)((uint8_t *)__builtin_frame_address(0) - 32);
  for (volatile uint32_t *p = (uint32_t *)_stack_bottom; p < painted_end; p++) *p = STACK_PAINT;

  const uint32_t *source = _data_load;
  for (uint32_t *p = _data_start; p < _data_end; p++) *p = *source++;
  for (uint32_t *p = _bss_start; p < _bss_end; p++) *p = 0;

  protect_memory();
  main(0, 0);
  for (;;) wait_for_interrupt();
}

// The FPU is switched on (CPACR: full access to coprocessors 10 and 11) before any compiled code may use it.
__attribute__((naked, noreturn)) void Reset_Handler(void) {
  __asm__ volatile(
      "ldr r0, =0xE000ED88\n"
      "ldr r1, [r0]\n"
      "orr r1, r1, #(0xF << 20)\n"
      "str r1, [r0]\n"
      "dsb\n"
      "isb\n"
      "b reset_with_fpu\n");
}

size_t stack_peak_bytes(void) {
  const uint32_t *p = (const uint32_t *)_stack_bottom;
  while (p < (const uint32_t *)_stack_top && *p == STACK_PAINT) p++;
  return (size_t)(_stack_top - (const uint8_t *)p);
}
