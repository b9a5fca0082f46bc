// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check-node.c - one node: is the value of its type, are the permissions right?
 *
 * Values go through the same parsers as in front-end and back-end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vsys-xenstore.h>
#include <xen/io/vsysif.h>

#define VSYS_SCHEMA_DEFINE_TABLE
#include "check-internal.h"

/* The schema's ranges are the limits of the wire ABI. */
_Static_assert(VSYS_MAX_MAX_RING_PAGE_ORDER == VSYS_MAX_RING_PAGE_ORDER, "max-ring-page-order");
_Static_assert(VSYS_MAX_MULTI_QUEUE_MAX_QUEUES == VSYS_MAX_QUEUES, "multi-queue-max-queues");
_Static_assert(VSYS_MAX_MULTI_QUEUE_NUM_QUEUES == VSYS_MAX_QUEUES, "multi-queue-num-queues");
_Static_assert(VSYS_MAX_MAX_POOL_PAGES == VSYS_MAX_POOL_PAGES, "max-pool-pages");
_Static_assert(VSYS_MAX_VERSION >= VSYS_PROTOCOL_VERSION, "version");

/* text in quotes, cut if it is long; buf has VSYS_CHECK_QUOTED bytes. */
const char *vsys_check_quote(char *buf, const char *text)
{
	const size_t room = VSYS_CHECK_QUOTED - sizeof("\"\"...");

	snprintf(buf, VSYS_CHECK_QUOTED, "\"%.*s\"%s", (int)room, text,
		 strlen(text) > room ? "..." : "");
	return buf;
}

/* Whether word is in the list "a,b,c". */
static bool in_list(const char *word, const char *list)
{
	size_t length = strlen(word);
	const char *p;

	/* "a,b" is a piece of the list, too. */
	if (!length || strchr(word, ','))
		return false;
	for (p = list; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (!strncmp(p, word, length) && (p[length] == ',' || p[length] == '\0'))
			return true;
	}
	return false;
}

static bool check_string(struct vsys_check *check, const struct vsys_schema_node *node,
			 const char *path, const char *text)
{
	char quoted[VSYS_CHECK_QUOTED];
	char *copy = malloc(node->max + 1);
	int err;

	if (!copy) {
		check->err = -ENOMEM;
		return false;
	}
	err = vsys_schema_string(text, node->chars, node->max, node->relative, copy, node->max + 1);
	free(copy);
	if (err == -ERANGE)
		vsys_check_finding(check, VSYS_ERROR, path, "%s has more than %" PRIu64 " characters.",
				   vsys_check_quote(quoted, text), node->max);
	else if (err)
		vsys_check_finding(check, VSYS_ERROR, path, "%s is empty%s or has a character that is not allowed.",
				   vsys_check_quote(quoted, text),
				   node->relative ? ", no path below a directory," : "");
	return !err;
}

static bool check_number(struct vsys_check *check, const struct vsys_schema_node *node,
			 const char *path, const char *text, uint64_t *number)
{
	char quoted[VSYS_CHECK_QUOTED];
	int err = vsys_schema_u64(text, node->min, node->max, node->pow2, number);

	vsys_check_quote(quoted, text);
	if (err == -EINVAL)
		vsys_check_finding(check, VSYS_ERROR, path, "%s is not a plain decimal number.", quoted);
	else if (err)
		vsys_check_finding(check, VSYS_ERROR, path, "%s is not %s from %" PRIu64 " to %" PRIu64 ".",
				   quoted, node->pow2 ? "a power of two" : "a number", node->min, node->max);
	return !err;
}

/* Whether text is of the node's type and range; number is set if it is one. */
bool vsys_check_value(struct vsys_check *check, const struct vsys_schema_node *node,
		      const char *path, const char *text, uint64_t *number)
{
	char quoted[VSYS_CHECK_QUOTED];
	bool flag = false;
	int err = 0;

	vsys_check_quote(quoted, text);
	switch ((enum vsys_schema_type)node->type) {
	case VSYS_TYPE_UINT:
	case VSYS_TYPE_DOMID:
	case VSYS_TYPE_GREF:
	case VSYS_TYPE_PORT:
	case VSYS_TYPE_STATE:
		return check_number(check, node, path, text, number);
	case VSYS_TYPE_FLAG:
		err = vsys_schema_flag(text, &flag);
		*number = flag;
		if (err)
			vsys_check_finding(check, VSYS_ERROR, path, "%s is neither 0 nor 1.", quoted);
		break;
	case VSYS_TYPE_ENUM:
		if (!in_list(text, node->values)) {
			err = -EINVAL;
			vsys_check_finding(check, VSYS_ERROR, path, "%s is none of %s.", quoted, node->values);
		}
		break;
	case VSYS_TYPE_STRING:
		return check_string(check, node, path, text);
	case VSYS_TYPE_VERSIONS:
		err = vsys_schema_listed(text, 0);
		if (err == -EPROTONOSUPPORT)
			err = 0;
		if (err)
			vsys_check_finding(check, VSYS_ERROR, path,
					   "%s is not a list of numbers with commas between.", quoted);
		break;
	case VSYS_TYPE_PATH:
		if (*text != '/') {
			err = -EINVAL;
			vsys_check_finding(check, VSYS_ERROR, path, "%s is not an absolute path.", quoted);
		}
		break;
	case VSYS_TYPE_DIR:
		if (*text) {
			err = -EINVAL;
			vsys_check_finding(check, VSYS_ERROR, path, "This is a directory, but has the value %s.",
					   quoted);
		}
		break;
	}
	return !err;
}

/* What the domain may do, as xenstored sees it. */
static struct vsys_perm rights_of(uint32_t id, const struct vsys_perm *perms, size_t count)
{
	struct vsys_perm rights = { .id = id, .read = perms[0].read, .write = perms[0].write };
	size_t i;

	if (perms[0].id == id)
		return (struct vsys_perm){ .id = id, .read = true, .write = true };
	for (i = 1; i < count; i++)
		if (perms[i].id == id)
			return perms[i];
	return rights;
}

/* Everybody but the two sides. */
static void check_others(struct vsys_check *check, enum vsys_schema_access access, const char *path,
			 const struct vsys_perm *perms, size_t count)
{
	bool read = perms[0].read, write = perms[0].write;
	size_t i;

	for (i = 1; i < count; i++) {
		if (perms[i].id == check->backend_domid || perms[i].id == check->domid)
			continue;
		read |= perms[i].read;
		write |= perms[i].write;
	}
	if (write)
		vsys_check_finding(check, VSYS_ERROR, path, "Domains other than the two sides may write this.");
	else if (read && access != VSYS_ACCESS_OWN)
		vsys_check_finding(check, VSYS_WARNING, path, "Domains other than the two sides may read this.");
}

void vsys_check_access(struct vsys_check *check, enum vsys_schema_access access,
		       bool by_frontend, const char *path)
{
	struct vsys_perm *perms, peer;
	uint32_t owner, other;
	size_t count = 0;

	perms = vsys_check_perms(check, path, &count);
	if (!perms)
		return;
	if (count == 0) {
		vsys_check_finding(check, VSYS_ERROR, path, "The store gives no permissions of this.");
		goto out;
	}

	if (access == VSYS_ACCESS_EITHER)
		by_frontend = perms[0].id == check->domid;
	else if (access != VSYS_ACCESS_OWN)
		by_frontend = access == VSYS_ACCESS_FRONTEND;
	owner = by_frontend ? check->domid : check->backend_domid;
	other = by_frontend ? check->backend_domid : check->domid;

	if (perms[0].id != owner)
		vsys_check_finding(check, VSYS_ERROR, path, "Domain %u owns this, but domain %u should.",
				   perms[0].id, owner);
	peer = rights_of(other, perms, count);
	if (!peer.read && access != VSYS_ACCESS_OWN)
		vsys_check_finding(check, VSYS_ERROR, path, "Domain %u may not read this.", other);
	if (peer.write && perms[0].id != other)
		vsys_check_finding(check, VSYS_ERROR, path, "Domain %u may write this, but only domain %u should.",
				   other, owner);
	check_others(check, access, path, perms, count);
out:
	free(perms);
}
