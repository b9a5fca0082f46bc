/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h - the one way in which daemon, worker and their parts say something.
 *
 * A message is one sentence without a final newline.  It goes to standard
 * error (foreground, and under systemd with the journal's priority prefix) or
 * to syslog.  Bytes that are not printable are replaced, because parts of a
 * message may come from a guest.
 *
 * A message that a guest can cause again and again goes through log_limited().
 */
#ifndef VSYS_LOG_H
#define VSYS_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

/* LOG_INFO and more important ones are written, LOG_DEBUG if verbose. */
void log_init(const char *name, bool foreground);
void log_set_verbose(bool verbose);

/*
 * A worker logs where its supervisor logs: the supervisor passes on the strings
 * that log_environment() gives (NAME=VALUE, NULL at the end), the worker calls
 * this instead of log_init().
 */
void log_init_from_environment(const char *name);
const char *const *log_environment(void);

void log_at(int priority, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define log_err(...)	log_at(LOG_ERR, __VA_ARGS__)
#define log_warn(...)	log_at(LOG_WARNING, __VA_ARGS__)
#define log_info(...)	log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_at(LOG_DEBUG, __VA_ARGS__)

/*
 * At most LOG_LIMIT_BURST messages within LOG_LIMIT_SECONDS for each limit;
 * the first message after a pause says how many were left out.  One limit per
 * guest (or narrower), initialised by zero.
 */
#define LOG_LIMIT_BURST		10
#define LOG_LIMIT_SECONDS	30

struct log_limit {
	int64_t since;		/* start of the interval, seconds */
	unsigned int written;
	unsigned int left_out;
};

void log_limited(struct log_limit *limit, int priority, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Replaces what is not printable ASCII by '?'; text ends at the terminator. */
void log_printable(char *text);

#endif /* VSYS_LOG_H */
