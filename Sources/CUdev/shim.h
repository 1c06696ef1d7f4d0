// Debian: libudev-dev. The header's folder differs between systems, so the module map names this file and the
// compiler finds libudev.h through pkg-config. libudev itself needs no shim: what Swift calls of it takes plain
// pointers and strings, and its only macro (a for loop over list entries) is three lines in Swift.
#include <libudev.h>

// eventfd(2), to wake the thread that waits for a udev monitor: Swift's Glibc module leaves this header out.
#include <sys/eventfd.h>

#include <pthread.h>

// <pthread.h> hides it without _GNU_SOURCE.
extern int pthread_setname_np(pthread_t thread, const char *name);
