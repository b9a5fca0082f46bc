// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hostile-back - answers a guest's next request as no back-end may.
 *
 * Runs as root in dom0 while the worker, whose ring it is, stands still (SIGSTOP):
 * hostile-back DOMID CASE, for the guest's only device.  It maps the ring, says
 * "ready", and when there is a request that nobody has answered it answers, and ends:
 *
 *	id, idle	the number of no request; of one that is not under way
 *	op		of another operation
 *	positive	a status above zero
 *	value		another number of operations than were asked for
 *	failed		an error that PORT_BATCH does not have
 *	beyond		more responses than requests
 *
 * No event is sent: who waits looks at the ring every now and then.  Exit status 0 if
 * it has answered, 1 if there was no request for 20 s or it could not begin.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xen/io/vsysif.h>
#include <xengnttab.h>
#include <xenstore.h>

#include "vsys-xenstore.h"

#define LOOKS	20000	/* of a millisecond */

static void fail(const char *what)
{
	fprintf(stderr, "hostile-back: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Of a node that must be there, unless def is what it means if it is not. */
static uint32_t number(struct xs_handle *xs, const char *dir, const char *key,
		       const uint32_t *def)
{
	char path[256];
	char *text;
	uint32_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, key);
	text = xs_read(xs, XBT_NULL, path, NULL);
	if (!text && errno == ENOENT && def)
		return *def;
	if (!text)
		fail(path);
	n = strtoul(text, NULL, 10);
	free(text);
	return n;
}

/* Of the guest's only device. */
static void find_device(struct xs_handle *xs, uint32_t domid, char *dir, size_t size)
{
	char path[64];
	unsigned int n;
	char **ids;

	snprintf(path, sizeof(path), "/local/domain/%u/device/vsys", domid);
	ids = xs_directory(xs, XBT_NULL, path, &n);
	if (!ids || n != 1) {
		errno = ids ? E2BIG : ENOENT;
		fail(path);
	}
	snprintf(dir, size, "%s/%s", path, ids[0]);
	free(ids);
}

static struct vsys_sring *map_ring(struct xs_handle *xs, uint32_t domid, const char *dir,
				   uint32_t *size)
{
	const uint32_t one_page = 0;
	uint32_t order = number(xs, dir, VSYS_KEY_RING_PAGE_ORDER, &one_page);
	uint32_t refs[16], i;
	xengnttab_handle *grants = xengnttab_open(NULL, 0);
	struct vsys_sring *sring;
	char key[64];

	if (!grants || order > 4)
		fail("grants");
	for (i = 0; i < 1u << order; i++) {
		snprintf(key, sizeof(key), VSYS_KEYF_QUEUE "/" VSYS_KEYF_RING_REF, 0, i);
		refs[i] = number(xs, dir, key, NULL);
	}
	sring = xengnttab_map_domain_grant_refs(grants, 1u << order, domid, refs, 3);
	if (!sring)
		fail("the ring");
	*size = VSYS_PAGE_SIZE << order;
	return sring;
}

static bool spoil(const char *what, const struct vsys_request *rq, uint32_t entries,
		  struct vsys_response *rsp)
{
	if (!strcmp(what, "id"))
		rsp->id = 0xffff;
	else if (!strcmp(what, "idle"))
		rsp->id = (rq->id + 1) % entries;
	else if (!strcmp(what, "op"))
		rsp->op = VSYS_OP_NOP;
	else if (!strcmp(what, "positive"))
		rsp->status = 1;
	else if (!strcmp(what, "value"))
		rsp->value++;
	else if (!strcmp(what, "failed"))
		rsp->status = -VSYS_EIO;
	else
		return !strcmp(what, "beyond");
	return true;
}

int main(int argc, char **argv)
{
	struct xs_handle *xs = xs_open(0);
	struct vsys_back_ring ring;
	struct vsys_response rsp;
	struct vsys_sring *sring;
	struct vsys_request rq;
	uint32_t domid, size;
	RING_IDX start;
	char dir[128];
	int looks;

	if (argc != 3 || !spoil(argv[2], &(struct vsys_request){ 0 }, 1, &rsp)) {
		fprintf(stderr, "usage: hostile-back DOMID CASE\n");
		return 2;
	}
	domid = strtoul(argv[1], NULL, 10);
	if (!xs)
		fail("XenStore");
	find_device(xs, domid, dir, sizeof(dir));
	sring = map_ring(xs, domid, dir, &size);
	start = *(volatile RING_IDX *)&sring->rsp_prod;
	BACK_RING_ATTACH(&ring, sring, start, size);
	puts("ready");
	fflush(stdout);
	for (looks = 0; *(volatile RING_IDX *)&sring->req_prod == start; looks++) {
		if (looks == LOOKS) {
			errno = ETIMEDOUT;
			fail("a request");
		}
		usleep(1000);
	}
	xen_rmb();
	RING_COPY_REQUEST(&ring, start, &rq);
	memset(&rsp, 0, sizeof(rsp));
	rsp.id = rq.id;
	rsp.op = rq.op;
	rsp.value = rq.u.ports.nr;
	spoil(argv[2], &rq, RING_SIZE(&ring), &rsp);
	*RING_GET_RESPONSE(&ring, start) = rsp;
	xen_wmb();
	*(volatile RING_IDX *)&sring->rsp_prod = strcmp(argv[2], "beyond") ? start + 1 : start + 1000;
	return 0;
}
