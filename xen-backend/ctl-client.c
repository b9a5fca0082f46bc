// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ctl-client.c - the tool's side of the control socket; see ctl-client.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl-client.h"

static FILE *dial(const char *path, struct fault *f)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;
	FILE *stream;

	if (strlen(path) >= sizeof(addr.sun_path))
		err = ENAMETOOLONG;
	else
		strcpy(addr.sun_path, path);
	if (fd < 0 || (!err && connect(fd, (struct sockaddr *)&addr, sizeof(addr))))
		err = errno;
	stream = err ? NULL : fdopen(fd, "r+");
	if (stream)
		return stream;
	if (fd >= 0)
		close(fd);
	if (err == ENOENT || err == ECONNREFUSED)
		fault(f, -err, "xen-vsysd is not running");
	else if (err == EACCES || err == EPERM)
		fault(f, -err, "only root may do this");
	else
		fault(f, -err, "%s: %s", path, strerror(err));
	return NULL;
}

static void send_words(FILE *stream, const char *const *words)
{
	const char *const *word;

	for (word = words; *word; word++) {
		if (word != words)
			fputc(' ', stream);
		kv_encode(stream, *word);
	}
	fputc('\n', stream);
	fflush(stream);
}

static int answer(FILE *stream, void (*data)(void *arg, const struct kv_list *list), void *arg,
		  struct fault *f)
{
	static struct kv_list list;
	char *line = NULL;
	size_t size = 0;
	int result = -EPIPE;

	fault(f, -EPIPE, "xen-vsysd ended before it answered");
	while (getline(&line, &size, stream) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "data ", 5)) {
			if (!kv_parse(&list, line + 5, KV_ENCODED, f) && data)
				data(arg, &list);
			continue;
		}
		if (!strcmp(line, "ok"))
			result = 0;
		else if (!strncmp(line, "error ", 6))
			result = fault(f, -EIO, "%s", line + 6);
		break;
	}
	free(line);
	return result;
}

int ctl_ask(const char *socket_path, const char *const *words,
	    void (*data)(void *arg, const struct kv_list *list), void *arg, struct fault *f)
{
	FILE *stream = dial(socket_path, f);
	int err;

	if (!stream)
		return -ENOTCONN;
	send_words(stream, words);
	err = answer(stream, data, arg, f);
	fclose(stream);
	return err;
}
