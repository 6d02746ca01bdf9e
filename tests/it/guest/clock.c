/* Preloaded: the clock of a program stands at VHDTREE_TEST_TIME, in seconds since 1970. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static time_t told(void) {
  const char *at = getenv("VHDTREE_TEST_TIME");
  return at ? atoll(at) : 0;
}

time_t time(time_t *at) {
  if (at) *at = told();
  return told();
}

int gettimeofday(struct timeval *at, void *zone) {
  at->tv_sec = told();
  at->tv_usec = 0;
  return 0;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
  at->tv_sec = told();
  at->tv_nsec = 0;
  return 0;
}
