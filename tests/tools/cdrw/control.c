// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * control.c - commands to the drive's hand, not to its host's side.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"

static int address(const char *dir, struct sockaddr_un *a)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return (size_t)snprintf(a->sun_path, sizeof(a->sun_path), "%s/control", dir) <
	       sizeof(a->sun_path) ? 0 : -ENAMETOOLONG;
}

int control_listen(const char *dir)
{
	struct sockaddr_un a;
	int ret = address(dir, &a), fd;

	if (ret)
		return ret;
	/* One that still answers is another drive's. */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	ret = connect(fd, (struct sockaddr *)&a, sizeof(a)) ? 0 : -EADDRINUSE;
	close(fd);
	if (ret)
		return ret;
	unlink(a.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&a, sizeof(a)) && !listen(fd, 8))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

__attribute__((format(printf, 4, 5)))
static void answer_with(char *answer, size_t size, char sign, const char *fmt, ...)
{
	va_list ap;

	answer[0] = sign;
	va_start(ap, fmt);
	vsnprintf(answer + 1, size - 1, fmt, ap);
	va_end(ap);
}

static void refused(char *answer, size_t size)
{
	answer_with(answer, size, '-', "the tray is locked by the host");
}

static void insert(const struct control *c, const char *name, const char *medium, char *answer,
		   size_t size)
{
	enum medium kind = CD_RW;
	struct disc *d;

	if (medium && !strcmp(medium, "cd-r"))
		kind = CD_R;
	else if (medium && strcmp(medium, "cd-rw"))
		return answer_with(answer, size, '-', "'%s' is neither cd-rw nor cd-r", medium);
	/* First out with the old one: it may be the same. */
	if (mmc_remove(c->m))
		return refused(answer, size);
	d = disc_open(c->dir, name, kind, c->blocks);
	if (!d)
		return answer_with(answer, size, '-', "cannot open disc '%s': %s", name,
				   strerror(errno));
	mmc_insert(c->m, d);
	answer_with(answer, size, '+', "disc %s is in", name);
}

static void tray(const struct control *c, bool open, char *answer, size_t size)
{
	if (mmc_tray_is_open(c->m) != open && mmc_button(c->m))
		return refused(answer, size);
	answer_with(answer, size, '+', "tray is %s", open ? "open" : "closed");
}

void control_do(const struct control *c, char *line, char *answer, size_t size)
{
	char *save, *word = strtok_r(line, " \t\n", &save), *args[3] = { NULL };

	for (int i = 0; word && i < 3; i++)
		args[i] = strtok_r(NULL, " \t\n", &save);
	if (!word) {
		answer_with(answer, size, '-', "no command");
	} else if (!strcmp(word, "insert") && args[0] && !args[2]) {
		insert(c, args[0], args[1], answer, size);
	} else if (!strcmp(word, "eject") || !strcmp(word, "close")) {
		tray(c, *word == 'e', answer, size);
	} else if (!strcmp(word, "remove")) {
		if (mmc_remove(c->m))
			return refused(answer, size);
		answer_with(answer, size, '+', "no disc is in");
	} else if (!strcmp(word, "reset")) {
		mmc_reset(c->m);
		answer_with(answer, size, '+', "power was off and is on");
	} else if (!strcmp(word, "state")) {
		answer[0] = '+';
		mmc_describe(c->m, answer + 1, size - 1);
	} else if (!c->other || !c->other(c->arg, word, answer, size)) {
		answer_with(answer, size, '-', "'%s' is none of: insert NAME [cd-rw|cd-r], eject, "
			    "close, remove, reset, state, node, quit", word);
	}
}

void control_serve(const struct control *c, int listener)
{
	char line[300] = "", answer[CONTROL_TEXT];
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	size_t len = 0;
	ssize_t got;

	if (fd < 0)
		return;
	/* The host's commands wait meanwhile: a client that says nothing is not waited for. */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_sec = 1 },
		   sizeof(struct timeval));
	do {
		got = read(fd, line + len, sizeof(line) - 1 - len);
		len += got > 0 ? got : 0;
	} while (got > 0 && len < sizeof(line) - 1 && line[len - 1] != '\n');
	line[len] = '\0';
	if (len && line[len - 1] == '\n') {
		control_do(c, line, answer, sizeof(answer));
		if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
			fprintf(stderr, "cdrw: a client did not wait for its answer\n");
	}
	close(fd);
}

int control_send(const char *dir, const char *line)
{
	char answer[CONTROL_TEXT + 1];
	struct sockaddr_un a;
	size_t len = 0;
	ssize_t got;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ret = address(dir, &a);

	if (fd < 0 || ret || connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		fprintf(stderr, "cdrw: no drive answers in %s: %s\n", dir,
			strerror(ret ? -ret : errno));
		return 1;
	}
	if (dprintf(fd, "%s\n", line) < 0) {
		fprintf(stderr, "cdrw: cannot write to the drive: %s\n", strerror(errno));
		return 1;
	}
	while (len < CONTROL_TEXT && (got = read(fd, answer + len, CONTROL_TEXT - len)) > 0)
		len += got;
	close(fd);
	answer[len] = '\0';
	if (!len) {
		fprintf(stderr, "cdrw: the drive gave no answer\n");
		return 1;
	}
	if (answer[0] == '+') {
		printf("%s\n", answer + 1);
		return 0;
	}
	fprintf(stderr, "cdrw: %s\n", answer + 1);
	return 1;
}
