// Linux calls that Swift's Glibc module does not show: their declarations depend on feature macros that
// the module is built without.
#ifndef CLINUX_H
#define CLINUX_H

#include <stddef.h>

/// Makes a pseudo-terminal and unlocks its follower, whose path goes to `name`.
///
/// Returns the leader's descriptor, non-blocking and closed on exec, or -1 and errno.
int clinux_open_pseudo_terminal(char *name, size_t capacity);

/// Blocks SIGTERM and SIGINT in this thread and returns a descriptor that becomes readable when one
/// arrives, or -1 and errno. Call it before other threads start.
int clinux_termination_descriptor(void);

#endif
