// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * log.c - messages to standard error, the journal or syslog; see log.h.
 *
 * It allocates nothing and takes no lock: a message is built on the stack and
 * leaves in one write, so that lines of supervisor and workers do not mix.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define LOG_ENV_WHERE	"XEN_VSYS_LOG"
#define LOG_ENV_VERBOSE	"XEN_VSYS_VERBOSE"
#define LOG_LINE	1024

static struct {
	char name[48];
	bool foreground;
	bool journal;
	bool verbose;
} log_state = { .name = "xen-vsys", .foreground = true };

/* systemd says which device and inode the journal's stream has. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void log_init(const char *name, bool foreground)
{
	snprintf(log_state.name, sizeof(log_state.name), "%s", name);
	log_state.foreground = foreground;
	log_state.journal = foreground && stderr_is_journal();
	/* At once: a worker may make no socket later. */
	if (!foreground)
		openlog(log_state.name, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void log_set_verbose(bool verbose)
{
	log_state.verbose = verbose;
}

void log_init_from_environment(const char *name)
{
	const char *where = getenv(LOG_ENV_WHERE);

	log_init(name, !where || strcmp(where, "syslog") != 0);
	log_state.journal = where && !strcmp(where, "journal");
	log_state.verbose = getenv(LOG_ENV_VERBOSE) != NULL;
}

const char *const *log_environment(void)
{
	static const char *env[3];

	env[0] = !log_state.foreground ? LOG_ENV_WHERE "=syslog" :
		 log_state.journal ? LOG_ENV_WHERE "=journal" : LOG_ENV_WHERE "=stderr";
	env[1] = log_state.verbose ? LOG_ENV_VERBOSE "=1" : NULL;
	return env;
}

void log_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

static void log_write(int priority, const char *fmt, va_list ap)
{
	char text[LOG_LINE], line[LOG_LINE + 64];
	int len;

	if (priority == LOG_DEBUG && !log_state.verbose)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	log_printable(text);
	if (!log_state.foreground) {
		syslog(priority, "%s", text);
		return;
	}
	if (log_state.journal)
		len = snprintf(line, sizeof(line), "<%d>%s\n", priority, text);
	else
		len = snprintf(line, sizeof(line), "%s: %s\n", log_state.name, text);
	/* There is nowhere to complain to if this fails. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}

void log_at(int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_write(priority, fmt, ap);
	va_end(ap);
}

void log_limited(struct log_limit *limit, int priority, const char *fmt, ...)
{
	struct timespec now;
	va_list ap;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!limit->since || now.tv_sec - limit->since >= LOG_LIMIT_SECONDS) {
		if (limit->left_out)
			log_at(priority, "%u similar messages were left out",
			       limit->left_out);
		limit->since = now.tv_sec ? now.tv_sec : 1;
		limit->written = 0;
		limit->left_out = 0;
	}
	if (limit->written >= LOG_LIMIT_BURST) {
		limit->left_out++;
		return;
	}
	limit->written++;
	va_start(ap, fmt);
	log_write(priority, fmt, ap);
	va_end(ap);
}
