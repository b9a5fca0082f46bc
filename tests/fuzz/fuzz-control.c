// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz-control.c - text that the control plane reads: stanzas, lists, requests
 * of the control socket, and what a guest writes into its nodes.
 *
 * The first byte says which.  For nodes the rest is "key\0value\0key\0...", put
 * over nodes that are right.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/fake-xs.h"
#include "xen-backend/ctl-request.h"
#include "xen-backend/frontend.h"
#include "xen-backend/irq.h"
#include "xen-backend/kv.h"
#include "xen-backend/supervisor.h"
#include "xen-backend/worker-exec.h"

#define FRONT "/local/domain/1/device/vsys/0"

/* In the place of worker-exec.c: nothing is started. */
int worker_exec(const char *program, uint32_t domid, uint64_t caps, int socket, pid_t *pid)
{
	(void)program;
	(void)domid;
	(void)caps;
	(void)socket;
	(void)pid;
	return -ENOSYS;
}

int ports_exec(const char *program, uint32_t domid, const struct ioport_range *ports, int socket,
	       pid_t *pid)
{
	(void)program;
	(void)domid;
	(void)ports;
	(void)socket;
	(void)pid;
	return -ENOSYS;
}

int irq_lend(uint32_t domid, int irq, struct fault *f)
{
	(void)domid;
	return fault(f, -ENOSYS, "no interrupt %d", irq);
}

void irq_take_back(uint32_t domid, int pirq)
{
	(void)domid;
	(void)pirq;
}

static void require(int condition)
{
	if (!condition)
		abort();
}

static void fuzz_stanza(const char *text)
{
	char again[STANZA_TEXT];
	struct stanza s, t;
	struct fault f;

	if (stanza_parse(&s, text, &f)) {
		require(*f.text && !strpbrk(f.text, "\n\033"));
		return;
	}
	require(*s.dev == '/' && vsys_schema_relative(s.name));
	stanza_format(&s, again, sizeof(again));
	require(!stanza_parse(&t, again, &f) && !strcmp(s.name, t.name) && !strcmp(s.dev, t.dev));
}

static void fuzz_list(const char *text)
{
	static struct kv_list list;
	struct fault f;

	kv_parse(&list, text, KV_ENCODED, &f);
}

static void fuzz_request(const char *text)
{
	static struct supervisor sup;
	static struct ctl_request r;
	char *answer;
	size_t size;
	FILE *out;

	if (!sup.xs) {
		sup.xs = xst_open();
		TAILQ_INIT(&sup.domains);
		sup.config.registry = "/does/not/exist";
	}
	ctl_request_init(&r, text);
	/* Files of this machine are none of its business. */
	if (r.nr && !strcmp(r.word[0], "register"))
		return;
	out = open_memstream(&answer, &size);
	ctl_request_run(&r, &sup, out);
	fclose(out);
	/* One line "ok" or "error ...", after lines of data. */
	require(!size || answer[size - 1] == '\n');
	free(answer);
}

static void good_nodes(struct xst *xs)
{
	static const char *const nodes[][2] = {
		{ "state", "3" }, { "version", "1" }, { "ring-page-order", "1" },
		{ "pool-pages", "64" }, { "multi-queue-num-queues", "2" },
		{ "queue-0/ring-ref0", "8" }, { "queue-0/ring-ref1", "9" },
		{ "queue-0/event-channel", "10" }, { "queue-0/pool-ref", "11" },
		{ "queue-1/ring-ref0", "12" }, { "queue-1/ring-ref1", "13" },
		{ "queue-1/event-channel", "14" }, { "queue-1/pool-ref", "15" },
	};
	char path[XST_PATH];

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		snprintf(path, sizeof(path), FRONT "/%s", nodes[i][0]);
		fake_put(xs, path, nodes[i][1]);
	}
}

static void fuzz_nodes(const char *text, size_t size)
{
	struct domain dom = { .domid = 1 };
	struct device d = { .domain = &dom, .front_path = FRONT };
	struct xst *xs = xst_open();
	const char *end = text + size;
	struct vsys_ipc msg;
	struct fault f;

	good_nodes(xs);
	while (text < end) {
		const char *key = text, *value = key + strlen(key) + 1;
		char path[XST_PATH];

		if (value >= end)
			break;
		text = value + strlen(value) + 1;
		if (*key && *key != '/' && snprintf(path, sizeof(path), FRONT "/%s", key) <
					   (int)sizeof(path))
			fake_put(xs, path, value);
	}
	require(frontend_state(xs, &d) < FRONT_NR);
	if (frontend_read(xs, &d, &msg, &f)) {
		require(*f.text && !strpbrk(f.text, "\n\033"));
	} else {
		unsigned int q, i;

		require(msg.u.connect.nr_queues >= 1 &&
			msg.u.connect.nr_queues <= VSYS_IPC_MAX_QUEUES);
		require(msg.u.connect.ring_page_order <= VSYS_MAX_RING_PAGE_ORDER);
		require(msg.u.connect.pool_pages >= 1 &&
			msg.u.connect.pool_pages <= LIMIT_POOL_PAGES);
		for (q = 0; q < msg.u.connect.nr_queues; q++) {
			require(msg.u.connect.queue[q].pool_ref);
			require(msg.u.connect.queue[q].event_channel);
			for (i = 0; i < 1u << msg.u.connect.ring_page_order; i++)
				require(msg.u.connect.queue[q].ring_ref[i]);
		}
	}
	xst_close(xs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 4) {
	case 0:
		fuzz_stanza(text);
		break;
	case 1:
		fuzz_list(text);
		break;
	case 2:
		fuzz_request(text);
		break;
	case 3:
		fuzz_nodes(text, size);
		break;
	}
	free(text);
	return 0;
}
