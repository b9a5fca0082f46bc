// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * frontend.c - reads a front-end's nodes; see frontend.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend.h"
#include "limits.h"
#include "nodes.h"
#include "supervisor.h"

enum device_front frontend_state(struct xst *x, const struct device *d)
{
	char *text = xst_read(x, d->front_path, VSYS_KEY_STATE);
	uint32_t state;
	int err;

	if (!text)
		return errno == ENOENT ? FRONT_GONE : FRONT_BAD;
	err = vsys_parse_state(text, &state);
	free(text);
	if (err)
		return FRONT_BAD;
	switch (state) {
	case XenbusStateInitialising:
	case XenbusStateInitWait:
		return FRONT_INIT;
	case XenbusStateInitialised:
		return FRONT_READY;
	case XenbusStateConnected:
		return FRONT_CONNECTED;
	case XenbusStateClosing:
		return FRONT_CLOSING;
	case XenbusStateUnknown:
	case XenbusStateClosed:
		return FRONT_CLOSED;
	}
	return FRONT_BAD;
}

typedef int (*parser)(const char *text, uint32_t *value);

struct reader {
	struct xst *x;
	const char *dir;
	struct fault *fault;
};

static int bad_value(struct reader *r, int err, const char *key, const char *text)
{
	return fault(r->fault, err, "the front-end's node '%s' is '%.32s', which is %s", key,
		     text, err == -ERANGE ? "out of range" : "malformed");
}

/* At most "most"; if the node is not there, *value stays, or is asked for. */
static int read_node(struct reader *r, const char *key, parser parse, uint32_t most,
		     bool required, uint32_t *value)
{
	char *text = xst_read(r->x, r->dir, key);
	int err;

	if (!text && errno == ENOENT && !required)
		return 0;
	if (!text && errno == ENOENT)
		return fault(r->fault, -ENOENT, "the front-end's node '%s' is missing", key);
	if (!text)
		return fault(r->fault, -errno, "the front-end's node '%s' cannot be read: %s",
			     key, strerror(errno));
	err = parse(text, value);
	if (!err && *value > most)
		err = -ERANGE;
	if (err)
		bad_value(r, err, key, text);
	free(text);
	return err;
}

static int parse_flag(const char *text, uint32_t *value)
{
	bool set;
	int err = vsys_schema_flag(text, &set);

	if (!err)
		*value = set;
	return err;
}

static int read_version(struct reader *r)
{
	uint32_t version = 0;
	int err = read_node(r, VSYS_KEY_VERSION, vsys_parse_version, UINT32_MAX, true, &version);

	if (!err && version != VSYS_PROTOCOL_VERSION)
		err = fault(r->fault, -EPROTONOSUPPORT,
			    "the front-end chose version %u, which was not offered", version);
	return err;
}

/* Ports have nothing else. */
static int read_batch_flag(struct reader *r)
{
	uint32_t set = 0;
	int err = read_node(r, VSYS_KEY_FEATURE_PORT_BATCH, parse_flag, 1, true, &set);

	if (!err && !set)
		err = fault(r->fault, -EPROTONOSUPPORT,
			    "the front-end does not want PORT_BATCH, and ports have nothing else");
	return err;
}

static int read_queue(struct reader *r, struct vsys_ipc_queue *q, uint32_t order)
{
	unsigned int i;
	int err = read_node(r, VSYS_KEY_EVENT_CHANNEL, vsys_parse_event_channel, UINT32_MAX,
			    true, &q->event_channel);

	if (!err)
		err = read_node(r, VSYS_KEY_POOL_REF, vsys_parse_pool_ref, UINT32_MAX, true,
				&q->pool_ref);
	for (i = 0; !err && i < 1u << order; i++) {
		char key[32];

		snprintf(key, sizeof(key), VSYS_KEYF_RING_REF, i);
		err = read_node(r, key, vsys_parse_ring_ref, UINT32_MAX, true, &q->ring_ref[i]);
	}
	return err;
}

int frontend_read(struct xst *x, const struct device *d, struct vsys_ipc *msg, struct fault *f)
{
	struct reader r = { .x = x, .dir = d->front_path, .fault = f };
	const struct native_limits *l = &d->native.limits;
	bool block = d->native.class == VSYS_CLASS_BLOCK;
	bool ports = d->native.class == VSYS_CLASS_PORTS;
	uint32_t order = VSYS_DEFAULT_RING_PAGE_ORDER;
	uint32_t queues = VSYS_DEFAULT_MULTI_QUEUE_NUM_QUEUES;
	uint32_t pages = 0, ioctl = 0, poll = 0, i;
	int err = read_version(&r);

	if (!err)
		err = read_node(&r, VSYS_KEY_RING_PAGE_ORDER, vsys_parse_ring_page_order,
				VSYS_MAX_RING_PAGE_ORDER, false, &order);
	if (!err)
		err = read_node(&r, VSYS_KEY_POOL_PAGES, vsys_parse_pool_pages,
				LIMIT_POOL_PAGES, true, &pages);
	if (!err)
		err = read_node(&r, VSYS_KEY_MULTI_QUEUE_NUM_QUEUES,
				vsys_parse_multi_queue_num_queues, nodes_max_queues(d), false,
				&queues);
	if (!err)
		err = read_node(&r, VSYS_KEY_FEATURE_IOCTL, parse_flag, 1, false, &ioctl);
	if (!err)
		err = read_node(&r, VSYS_KEY_FEATURE_POLL, parse_flag, 1, false, &poll);
	if (!err && ports)
		err = read_batch_flag(&r);
	if (err)
		return err;

	memset(msg, 0, sizeof(*msg));
	msg->type = IPC_CONNECT;
	msg->devid = d->devid;
	msg->u.connect.domid = d->domain->domid;
	msg->u.connect.block = block;
	msg->u.connect.writable = stanza_writes(&d->stanza);
	msg->u.connect.readable = stanza_reads(&d->stanza);
	msg->u.connect.sector_size = block ? l->sector_size : 1;
	msg->u.connect.discard = block && stanza_writes(&d->stanza) && l->discard_max_bytes;
	/* In use is what this side offered as well: see nodes.c. */
	msg->u.connect.ioctl = ioctl && stanza_calls(&d->stanza);
	msg->u.connect.poll = poll && d->native.class == VSYS_CLASS_CHAR;
	msg->u.connect.ports = ports;
	msg->u.connect.port_first = d->stanza.ports.first;
	msg->u.connect.port_last = d->stanza.ports.last;
	msg->u.connect.pointers = msg->u.connect.ioctl &&
				  d->stanza.payload == VSYS_PAYLOAD_POINTERS;
	msg->u.connect.nr_queues = queues;
	msg->u.connect.ring_page_order = order;
	msg->u.connect.pool_pages = pages;
	for (i = 0; !err && i < queues; i++) {
		char dir[XST_PATH];

		snprintf(dir, sizeof(dir), VSYS_PATHF_QUEUE, d->domain->domid, d->devid, i);
		r.dir = dir;
		err = read_queue(&r, &msg->u.connect.queue[i], order);
		if (err)
			fault_at(f, err, VSYS_KEYF_QUEUE, i);
	}
	return err;
}
