// Debian: libudev-dev. The header's folder differs between systems, so the module map names this file and the
// compiler finds libudev.h through pkg-config. libudev itself needs no shim: what Swift calls of it takes plain
// pointers and strings, and its only macro (a for loop over list entries) is three lines in Swift.
#include <libudev.h>

// eventfd(2), to wake the thread that waits for a udev monitor: Swift's Glibc module leaves this header out.
#include <sys/eventfd.h>

#include <sys/prctl.h>

// prctl(2) is variadic, which Swift cannot call, and pthread_setname_np(3) is hidden without _GNU_SOURCE.
static inline int cudev_name_this_thread(const char *name) {
  return prctl(PR_SET_NAME, name, 0L, 0L, 0L);
}
