// Estimates the cycles that a Cortex-M4F takes, as a plugin for QEMU's translator (TCG), which itself keeps no time
// but one instruction, one tick.
//
//     clang -O2 -shared -fPIC -o cycles.so cycles.c
//     qemu-system-arm … -icount shift=0 -plugin ./cycles.so,out=FILE
//
// Whenever the machine writes to the word at 0x21060004, which the benchmarks do when they read the time, a line
// `INSTRUCTIONS CYCLES` is added to FILE: what was executed until then.
//
// The costs are those of the "Cortex-M4 Technical Reference Manual" (Arm DDI 0439), tables 3-1 and 7-1:
//
//     most instructions, multiplications and additions included      1
//     load of a word or less; right behind another load or store     2; 1, as their phases overlap
//     store of a word or less                                        1, there is a buffer for it
//     several registers loaded or stored                             1 and 1 for each
//     vldr, vstr                                                     2, 3 for a double
//     branch that is taken, any load of the program counter          2 more, to fill the pipeline (1 to 3)
//     sdiv, udiv                                                     7, it depends on the operands (2 to 12)
//     vmla, vfma and their kin                                       3
//     vdiv, vsqrt                                                    14
//     a float used right behind the operation that it comes from     1 more
//
// It is rough. Not modelled are the waits of flash memory and its cache, loads that wait for the bus, and the
// folding of IT instructions: take it for a comparison of two programs, within some tenths for a time on a board.
//
// Debian's QEMU 7.2 loads plugins and ships no qemu-plugin.h, so the entry points used (interface version 1) are
// declared here.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { NO_REGISTERS = 0, ON_WRITE = 2, ADD_U64 = 0 };
extern void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t, void (*)(uint64_t, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int, void *);
extern void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int, void *, uint64_t);
extern void qemu_plugin_register_vcpu_mem_cb(
    struct qemu_plugin_insn *, void (*)(unsigned, uint32_t, uint64_t, void *), int, int, void *);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
extern char *qemu_plugin_insn_disas(const struct qemu_plugin_insn *);
EXPORT int qemu_plugin_version = 1;

enum { MARK = 0x21060004, REFILL = 2 };

static uint64_t instructions, cycles;
static FILE *output;

static bool begins(const char *text, const char *prefix) { return !strncmp(text, prefix, strlen(prefix)); }

static bool is_any(const char *text, const char *const *prefixes) {
  for (; *prefixes; prefixes++) {
    if (begins(text, *prefixes)) return true;
  }
  return false;
}

// Registers in a list such as "{r4-r7, lr}", of which QEMU's disassembler writes each by name.
static int listed(const char *text) {
  const char *list = strchr(text, '{');
  int count = list != NULL;
  for (; list && *list && *list != '}'; list++) count += *list == ',';
  return count;
}

static int cost(const char *text, bool behind_memory_access) {
  static const char *const lists[] = {"ldm", "stm", "push", "pop", "vldm", "vstm", "vpush", "vpop", NULL};
  static const char *const fused[] = {"vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms", "vfnma", "vfnms", NULL};
  if (is_any(text, lists)) return 1 + listed(text) * (text[0] == 'v' && strstr(text, "{d") ? 2 : 1);
  if (begins(text, "vldr") || begins(text, "vstr")) return strstr(text, " d") || strstr(text, "\td") ? 3 : 2;
  if (begins(text, "ldrd") || begins(text, "strd")) return 3;
  if (begins(text, "ldr")) return behind_memory_access ? 1 : 2;
  if (begins(text, "vdiv") || begins(text, "vsqrt")) return 14;
  if (is_any(text, fused)) return 3;
  if (begins(text, "sdiv") || begins(text, "udiv")) return 7;
  return 1;
}

static bool accesses_memory(const char *text) { return begins(text, "ldr") || begins(text, "str"); }

// The single-precision register that `text` computes, as " s14" with whatever follows it in `name`; false if none.
static bool computed(const char *text, char *name) {
  static const char *const arithmetic[] = {"vadd", "vsub", "vmul", "vnmul", "vneg", "vabs", "vcvt", "vmla",
                                           "vmls", "vnml", "vfma", "vfms",  "vfnm", "vdiv", "vsqrt", NULL};
  if (!is_any(text, arithmetic)) return false;
  const char *operand = strpbrk(text, " \t");
  while (operand && (*operand == ' ' || *operand == '\t')) operand++;
  if (!operand || *operand != 's') return false;
  const size_t length = strcspn(operand, ", \t");
  if (length > 3) return false;
  memcpy(name, operand, length);
  name[length] = 0;
  return true;
}

// Whether `text` reads the register `name`: it is any operand but the first, or the only one of a store or compare.
static bool uses(const char *text, const char *name) {
  if (text[0] != 'v') return false;
  const bool first_is_read = begins(text, "vstr") || begins(text, "vcmp") || begins(text, "vml") ||
                             begins(text, "vfm") || begins(text, "vfn") || begins(text, "vnml");
  const char *at = strpbrk(text, " \t");
  const char *comma = at ? strchr(at, ',') : NULL;
  for (at = first_is_read ? at : comma; at && (at = strstr(at, name)); at++) {
    const char before = at[-1], after = at[strlen(name)];
    if ((before == ' ' || before == '\t' || before == ',') && (after == 0 || after == ',' || after == ' ')) return true;
  }
  return false;
}

// A straight run of instructions, as QEMU translates them.
struct Block {
  uint64_t start, end;
};

// Where the last block went on if it did not branch.
static uint64_t fall_through;

static void block_entered(unsigned cpu, void *data) {
  (void)cpu;
  const struct Block *block = data;
  if (block->start != fall_through) cycles += REFILL;
  fall_through = block->end;
}

static void memory_written(unsigned cpu, uint32_t info, uint64_t address, void *data) {
  (void)cpu, (void)info, (void)data;
  if (address != MARK) return;
  fprintf(output, "%llu %llu\n", (unsigned long long)instructions, (unsigned long long)cycles);
  fflush(output);
}

static void translated(uint64_t plugin, struct qemu_plugin_tb *tb) {
  (void)plugin;
  const size_t count = qemu_plugin_tb_n_insns(tb);
  struct Block *block = malloc(sizeof *block);
  if (!block || !count) abort();
  bool behind_memory_access = false;
  char awaited[4] = "";
  for (size_t i = 0; i < count; i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    char *disassembled = qemu_plugin_insn_disas(insn);
    const char *text = disassembled + strspn(disassembled, " \t");
    const int taken = cost(text, behind_memory_access) + (awaited[0] && uses(text, awaited));
    behind_memory_access = accesses_memory(text);
    if (!computed(text, awaited)) awaited[0] = 0;
    free(disassembled);
    qemu_plugin_register_vcpu_insn_exec_inline(insn, ADD_U64, &instructions, 1);
    qemu_plugin_register_vcpu_insn_exec_inline(insn, ADD_U64, &cycles, (uint64_t)taken);
    qemu_plugin_register_vcpu_mem_cb(insn, memory_written, NO_REGISTERS, ON_WRITE, NULL);
    block->end = qemu_plugin_insn_vaddr(insn) + qemu_plugin_insn_size(insn);
    if (i == 0) block->start = qemu_plugin_insn_vaddr(insn);
  }
  qemu_plugin_register_vcpu_tb_exec_cb(tb, block_entered, NO_REGISTERS, block);
}

EXPORT int qemu_plugin_install(uint64_t plugin, const void *info, int count, char **arguments) {
  (void)info;
  for (int i = 0; i < count; i++) {
    if (begins(arguments[i], "out=")) output = fopen(arguments[i] + 4, "w");
  }
  if (!output) return 1;
  qemu_plugin_register_vcpu_tb_trans_cb(plugin, translated);
  return 0;
}
