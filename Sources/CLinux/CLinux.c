#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

int clinux_open_pseudo_terminal(char *name, size_t capacity) {
  int leader = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (leader < 0) return -1;
  int error = 0;
  if (grantpt(leader) != 0 || unlockpt(leader) != 0) error = errno;
  if (error == 0) error = ptsname_r(leader, name, capacity);
  if (error == 0) return leader;
  close(leader);
  errno = error;
  return -1;
}

int clinux_termination_descriptor(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0) return -1;
  return signalfd(-1, &signals, SFD_CLOEXEC);
}
