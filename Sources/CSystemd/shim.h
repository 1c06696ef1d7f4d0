// Debian: libsystemd-dev. The header's folder differs between systems, so the module map names this file and the
// compiler finds sd-bus.h through pkg-config.
#include <systemd/sd-bus.h>

#include <string.h>

// eventfd(2), to wake the thread that waits for the bus: Swift's Glibc module leaves this header out.
#include <sys/eventfd.h>

#include <sys/prctl.h>

// prctl(2) is variadic, which Swift cannot call, and pthread_setname_np(3) is hidden without _GNU_SOURCE.
static inline int csystemd_name_this_thread(const char *name) {
  return prctl(PR_SET_NAME, name, 0L, 0L, 0L);
}

// Basic types travel as `const void *`: text is passed as the pointer itself, everything else by its address, which
// one Swift call cannot say for both.
static inline int csystemd_append_text(sd_bus_message *message, char type, const char *text) {
  return sd_bus_message_append_basic(message, type, text);
}

// Answers a method call with an error; the variadic functions of sd-bus cannot be called from Swift.
static inline int csystemd_reply_error(sd_bus_message *call, const char *name, const char *text) {
  const sd_bus_error error = SD_BUS_ERROR_MAKE_CONST(name, text);
  return sd_bus_reply_method_error(call, &error);
}
