/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of ioctl-client share: calls, lines of output, memory.
 */
#ifndef IOCTL_CLIENT_H
#define IOCTL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

#define PAGE 4096u

/* The node's path; each part opens it as it needs. */
extern const char *node;
int open_node(int flags);

/* As the system calls, but an error is its negative number. */
long call(int fd, unsigned long cmd, const void *arg);
long call_int(int fd, unsigned long cmd, unsigned long arg);

/* A line: what, then a result or the name of an error. */
__attribute__((format(printf, 2, 3)))
long show(long ret, const char *fmt, ...);
/* A line: what, a colon, and anything. */
__attribute__((format(printf, 1, 2)))
void say(const char *fmt, ...);
/* The end of the program: the client itself is wrong, or cannot go on. */
__attribute__((format(printf, 1, 2), noreturn))
void fail(const char *fmt, ...);

uint32_t digest(const void *data, size_t size);
void fill(void *data, size_t size, uint32_t seed);
uint32_t next_random(uint32_t *state);

/* Pages with `prot`, anonymous and private; never fails. */
void *pages(size_t size, int prot);

/* Until the number of waiters at a token is `n`. */
void await_waiters(int fd, unsigned int token, long n);
/* Until call_int(fd, cmd, 0) gives `n`; what the call counts ends a bit later. */
void await_count(int fd, unsigned long cmd, long n);
double now(void);

static inline unsigned long word(const volatile void *p)
{
	return (unsigned long)p;
}

static inline struct vt_data data_at(const void *p, uint32_t op, uint32_t len, uint32_t salt)
{
	return (struct vt_data){ .data = word(p), .op = op, .len = len, .salt = salt };
}

/* The parts. */
void test_basic(void);
void test_sizes(void);
void test_shapes(void);
void test_kinds(void);
void test_bad(void);
void test_low(void);
void test_wait(void);
void test_changes(void);
void test_park(void);
void test_left(void);
void test_pin(void);
void test_files(void);
void test_async(void);
void test_opener(void);
void test_count(void);
void random_calls(uint32_t seed, long count, bool each);
void threads(int n, long rounds);
void fuzz(uint32_t seed, double seconds);
void measure(double seconds);
void trips(const char *stats);
int use_file(int fd);

#endif /* IOCTL_CLIENT_H */
