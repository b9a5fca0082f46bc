// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * store.c - XenStore's socket in front of the store in memory (fake-xs.c).
 *
 * What libxenstore asks of xenstored for xen-vsysd is answered here, in xenstored's
 * own language (xs_wire.h), so that the daemon's cost of it is the real one.  There is
 * one client.  It does not: check rights, or let a transaction fail.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#include "growth.h"

struct xst *store_xs;
unsigned long store_requests;

struct written {
	uint32_t domid, devid;
};

static struct {
	struct loop_fd listen, client;
	char in[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX + 1];
	size_t in_len;
	/* A transaction's are told when it ends. */
	bool transaction;
	struct written *written;
	unsigned int nr_written, max_written;
	void (*state_written)(uint32_t domid, uint32_t devid);
} store;

static void send_all(const void *data, size_t len)
{
	const char *p = data;

	while (len && store.client.fd >= 0) {
		ssize_t n = send(store.client.fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;		/* its end will be seen */
		p += n;
		len -= n;
	}
}

static void reply(const struct xsd_sockmsg *to, uint32_t type, const void *data, size_t len)
{
	char message[sizeof(*to) + XENSTORE_PAYLOAD_MAX];
	struct xsd_sockmsg header = *to;

	if (len > XENSTORE_PAYLOAD_MAX)
		die("an answer of the store is too long");
	header.type = type;
	header.len = len;
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), data, len);
	send_all(message, sizeof(header) + len);
}

static void reply_ok(const struct xsd_sockmsg *to)
{
	reply(to, to->type, "OK", 3);
}

static void reply_error(const struct xsd_sockmsg *to, const char *error)
{
	reply(to, XS_ERROR, error, strlen(error) + 1);
}

void store_flush(void)
{
	static const struct xsd_sockmsg event = { .type = XS_WATCH_EVENT };
	char text[XST_PATH + XST_TOKEN], path[XST_PATH], token[XST_TOKEN];

	while (fake_event(store_xs, path, token)) {
		size_t len = strlen(path) + 1;

		memcpy(text, path, len);
		strcpy(text + len, token);
		reply(&event, XS_WATCH_EVENT, text, len + strlen(token) + 1);
	}
}

static void note_written(const char *path)
{
	uint32_t domid, devid;
	int end = 0;

	if (sscanf(path, "/local/domain/0/backend/vsys/%u/%u/state%n", &domid, &devid, &end) < 2 ||
	    !end || path[end])
		return;
	if (store.nr_written == store.max_written) {
		store.max_written = 2 * store.max_written + 16;
		store.written = realloc(store.written,
					store.max_written * sizeof(*store.written));
		if (!store.written)
			die("out of memory");
	}
	store.written[store.nr_written++] = (struct written){ domid, devid };
}

static void tell_written(void)
{
	unsigned int i;

	if (store.transaction)
		return;
	/* The front-ends write in their turn, which comes here no more. */
	for (i = 0; i < store.nr_written; i++)
		store.state_written(store.written[i].domid, store.written[i].devid);
	store.nr_written = 0;
}

/* A path as xs.h wants it. */
static void split(const char *path, char *dir, const char **key)
{
	const char *slash = strrchr(path, '/');

	if (!slash || strlen(path) >= XST_PATH)
		die("a request for '%s'", path);
	memcpy(dir, path, slash - path);
	dir[slash - path] = '\0';
	*key = slash + 1;
}

static void do_read(const struct xsd_sockmsg *m, const char *path)
{
	const char *value = fake_get(store_xs, path);

	if (value)
		reply(m, m->type, value, strlen(value));
	else
		reply_error(m, "ENOENT");
}

/* The names of a directory, one after another, each with its end; to be freed. */
static char *names_of(const char *path, size_t *len)
{
	unsigned int nr, i;
	char **list = xst_list(store_xs, path, &nr), *names, *to;

	*len = 0;
	if (!list)
		return NULL;
	for (i = 0; i < nr; i++)
		*len += strlen(list[i]) + 1;
	names = to = malloc(*len + 1);
	for (i = 0; names && i < nr; i++)
		to = stpcpy(to, list[i]) + 1;
	free(list);
	return names;
}

static void do_directory(const struct xsd_sockmsg *m, const char *path)
{
	size_t len;
	char *names = names_of(path, &len);

	if (!names)
		reply_error(m, "ENOENT");
	else if (len > XENSTORE_PAYLOAD_MAX)
		reply_error(m, "E2BIG");
	else
		reply(m, m->type, names, len);
	free(names);
}

/* What is too long for one answer comes in parts; nothing changes in between here. */
static void do_directory_part(const struct xsd_sockmsg *m, const char *path)
{
	size_t offset = strtoul(path + strlen(path) + 1, NULL, 10), len, most, n;
	char part[XENSTORE_PAYLOAD_MAX], *names = names_of(path, &len);

	if (!names || offset > len) {
		reply_error(m, names ? "EINVAL" : "ENOENT");
		free(names);
		return;
	}
	memcpy(part, "1", 2);
	most = sizeof(part) - 2 - 1;
	n = len - offset < most ? len - offset : most;
	while (n && names[offset + n - 1])
		n--;
	memcpy(part + 2, names + offset, n);
	/* One more end says that this is all. */
	part[2 + n] = '\0';
	reply(m, m->type, part, 2 + n + (offset + n == len));
	free(names);
}

static void do_write(const struct xsd_sockmsg *m, const char *path)
{
	size_t skip = strlen(path) + 1;
	char dir[XST_PATH];
	const char *key;

	split(path, dir, &key);
	xst_write(store_xs, dir, key, "%.*s", (int)(m->len - skip), path + skip);
	reply_ok(m);
	note_written(path);
}

static void do_set_perms(const struct xsd_sockmsg *m, const char *path)
{
	const char *owner = path + strlen(path) + 1, *reader = owner + strlen(owner) + 1, *key;
	char dir[XST_PATH];

	split(path, dir, &key);
	if (xst_set_owner(store_xs, dir, key, strtoul(owner + 1, NULL, 10),
			  strtoul(reader + 1, NULL, 10)))
		reply_error(m, "ENOENT");
	else
		reply_ok(m);
}

static void do_transaction_end(const struct xsd_sockmsg *m, const char *how)
{
	if (*how == 'T')
		xst_commit(store_xs);
	else
		xst_abort(store_xs);
	store.transaction = false;
	reply_ok(m);
}

static void serve(const struct xsd_sockmsg *m, const char *text)
{
	switch (m->type) {
	case XS_READ:
		do_read(m, text);
		break;
	case XS_DIRECTORY:
		do_directory(m, text);
		break;
	case XS_DIRECTORY_PART:
		do_directory_part(m, text);
		break;
	case XS_WRITE:
		do_write(m, text);
		break;
	case XS_MKDIR:
		if (!fake_get(store_xs, text))
			xst_mkdir(store_xs, text, 0, 0);
		reply_ok(m);
		break;
	case XS_RM:
		if (!fake_get(store_xs, text)) {
			reply_error(m, "ENOENT");
			break;
		}
		xst_remove(store_xs, text);
		reply_ok(m);
		break;
	case XS_SET_PERMS:
		do_set_perms(m, text);
		break;
	case XS_WATCH:
		reply_ok(m);
		xst_watch(store_xs, text, text + strlen(text) + 1);
		break;
	case XS_UNWATCH:
		xst_unwatch(store_xs, text, text + strlen(text) + 1);
		reply_ok(m);
		break;
	case XS_TRANSACTION_START:
		xst_begin(store_xs);
		store.transaction = true;
		reply(m, m->type, "1", 2);
		break;
	case XS_TRANSACTION_END:
		do_transaction_end(m, text);
		break;
	case XS_IS_DOMAIN_INTRODUCED:
		reply(m, m->type, xst_domain_lives(store_xs, strtoul(text, NULL, 10)) ? "T" : "F",
		      2);
		break;
	default:
		reply_error(m, "ENOSYS");
	}
}

static void client_gone(void)
{
	loop_fd_remove(growth_loop, &store.client);
	close(store.client.fd);
	store.client.fd = -1;
	store.in_len = 0;
}

/* One request; false: it is not here as a whole. */
static bool take_request(void)
{
	char text[XENSTORE_PAYLOAD_MAX + 2];
	struct xsd_sockmsg m;

	if (store.in_len < sizeof(m))
		return false;
	memcpy(&m, store.in, sizeof(m));
	if (m.len > XENSTORE_PAYLOAD_MAX)
		die("a request of %u bytes", m.len);
	if (store.in_len < sizeof(m) + m.len)
		return false;
	/* Values have no end, and lists of strings one more than they say. */
	memcpy(text, store.in + sizeof(m), m.len);
	memset(text + m.len, 0, 2);
	store.in_len -= sizeof(m) + m.len;
	memmove(store.in, store.in + sizeof(m) + m.len, store.in_len);
	store_requests++;
	serve(&m, text);
	tell_written();
	store_flush();
	return true;
}

static void client_ready(void *arg, uint32_t events)
{
	ssize_t n = recv(store.client.fd, store.in + store.in_len,
			 sizeof(store.in) - store.in_len, MSG_DONTWAIT);

	(void)arg;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_gone();
		return;
	}
	store.in_len += n;
	while (store.client.fd >= 0 && take_request())
		;
}

static void listen_ready(void *arg, uint32_t events)
{
	int fd = accept4(store.listen.fd, NULL, NULL, SOCK_CLOEXEC);

	(void)arg;
	(void)events;
	if (fd < 0)
		return;
	if (store.client.fd >= 0)
		die("the store has a second client");
	store.client = (struct loop_fd){ .fd = fd, .ready = client_ready };
	loop_fd_add(growth_loop, &store.client, EPOLLIN);
}

void store_open(void (*state_written)(uint32_t domid, uint32_t devid))
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	memset(&store, 0, sizeof(store));
	store.state_written = state_written;
	store.client.fd = -1;
	store_requests = 0;
	store_xs = xst_open();
	fake_put(store_xs, "/local/domain/0/name", "Domain-0");
	fake_put(store_xs, "/local/domain/0/backend", "");
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", growth_path(GROWTH_STORE));
	store.listen.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	store.listen.ready = listen_ready;
	if (store.listen.fd < 0 || bind(store.listen.fd, (void *)&addr, sizeof(addr)) ||
	    listen(store.listen.fd, 1) || loop_fd_add(growth_loop, &store.listen, EPOLLIN))
		die("%s: %s", addr.sun_path, strerror(errno));
}

void store_close(void)
{
	if (store.client.fd >= 0)
		client_gone();
	loop_fd_remove(growth_loop, &store.listen);
	close(store.listen.fd);
	unlink(growth_path(GROWTH_STORE));
	xst_close(store_xs);
	free(store.written);
}
