/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check-internal.h - what the files of the checker share.
 *
 * check.c finds the devices, check-dir.c looks at one directory of one device,
 * check-node.c at one node, check-pair.c at what the two sides say of each other.
 * None but check.c calls the store or the reporter.
 */
#ifndef VSYS_CHECK_INTERNAL_H
#define VSYS_CHECK_INTERNAL_H

#include "check.h"

enum vsys_schema_type {
	VSYS_TYPE_UINT,
	VSYS_TYPE_DOMID,
	VSYS_TYPE_GREF,
	VSYS_TYPE_PORT,
	VSYS_TYPE_FLAG,
	VSYS_TYPE_ENUM,
	VSYS_TYPE_STRING,
	VSYS_TYPE_VERSIONS,
	VSYS_TYPE_PATH,
	VSYS_TYPE_STATE,
	VSYS_TYPE_DIR,
};

enum vsys_schema_access {
	VSYS_ACCESS_BACKEND,
	VSYS_ACCESS_FRONTEND,
	VSYS_ACCESS_EITHER,
	VSYS_ACCESS_OWN,
};

/* A node of the schema; vsys.schema says what the attributes mean. */
struct vsys_schema_node {
	const char *key;		/* of an indexed node: without the index */
	uint8_t dir;			/* enum vsys_schema_dir */
	uint8_t type;
	uint8_t access;
	bool by_frontend;
	/* value */
	uint64_t min, max;		/* max: also of a string's length */
	bool pow2, relative;
	const char *values;		/* "a,b,c" */
	const char *chars;
	/* presence: sets of states, bit number by enum xenbus_state */
	uint16_t required, absent;
	const char *fallback;		/* value if absent */
	const char *only_class;
	/* other nodes: enum vsys_schema_id, or -1 */
	int16_t limit, listed, count;
	bool indexed, count_shift;
	uint16_t index_max;
};

#include <vsys-schema-table.h>

extern const struct vsys_schema_node vsys_schema_nodes[VSYS_NODES];

/* Longer than every path that is read; names of unknown nodes get cut. */
#define VSYS_CHECK_PATH 256

struct vsys_check {
	const struct vsys_store *store;
	uint32_t backend_domid;
	uint32_t domid;
	vsys_report_fn report;
	void *ctx;
	int errors;
	unsigned int findings;
	int err;			/* of the store; ends everything */
};

/* What the store said about a node that is not indexed. */
struct vsys_check_value {
	char *text;			/* NULL: absent */
	uint64_t number;		/* only if good */
	bool good;			/* there, and of its type and range */
};

struct vsys_check_device {
	uint32_t devid;
	bool backend, frontend;		/* the directory is there */
	char backend_path[VSYS_CHECK_PATH];
	char frontend_path[VSYS_CHECK_PATH];
	struct vsys_check_value value[VSYS_NODES];
};

/* check.c */
__attribute__((__format__(__printf__, 4, 5)))
void vsys_check_finding(struct vsys_check *check, enum vsys_severity severity,
			const char *path, const char *format, ...);
char *vsys_check_read(struct vsys_check *check, const char *path);
char **vsys_check_list(struct vsys_check *check, const char *path, size_t *count);
struct vsys_perm *vsys_check_perms(struct vsys_check *check, const char *path, size_t *count);

/* check-node.c */
#define VSYS_CHECK_QUOTED 48
const char *vsys_check_quote(char *buf, const char *text);
bool vsys_check_value(struct vsys_check *check, const struct vsys_schema_node *node,
		      const char *path, const char *text, uint64_t *number);
void vsys_check_access(struct vsys_check *check, enum vsys_schema_access access,
		       bool by_frontend, const char *path);

/* check-dir.c */
const char *vsys_check_state_name(uint64_t state);
uint64_t vsys_check_state(const struct vsys_check_device *device, bool frontend);
bool vsys_check_number(const struct vsys_check_device *device, int node, uint64_t *number);
void vsys_check_dir(struct vsys_check *check, struct vsys_check_device *device,
		    enum vsys_schema_dir dir, const char *path);

/* check-pair.c */
void vsys_check_pair(struct vsys_check *check, const struct vsys_check_device *device);

#endif /* VSYS_CHECK_INTERNAL_H */
