// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check-dir.c - one directory of a device: which nodes must, may and must not be
 * there, and is each of them all right?
 *
 * It knows no key by name; the schema's table says everything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vsys-xenstore.h>

#include "check-internal.h"

const char *vsys_check_state_name(uint64_t state)
{
	static const char *const names[] = {
		"Unknown", "Initialising", "InitWait", "Initialised", "Connected",
		"Closing", "Closed", "Reconfiguring", "Reconfigured",
	};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

/* Without a good state it is Unknown: what is required in any state still is. */
uint64_t vsys_check_state(const struct vsys_check_device *device, bool frontend)
{
	const struct vsys_check_value *value =
		&device->value[frontend ? VSYS_NODE_FRONTEND_STATE : VSYS_NODE_BACKEND_STATE];

	return value->good ? value->number : 0;
}

/* The number in effect: the node's own, or its default if it is absent. */
bool vsys_check_number(const struct vsys_check_device *device, int node, uint64_t *number)
{
	const struct vsys_check_value *value = &device->value[node];
	const struct vsys_schema_node *schema = &vsys_schema_nodes[node];

	if (value->text) {
		*number = value->number;
		return value->good;
	}
	return schema->fallback && !vsys_schema_u64(schema->fallback, schema->min, schema->max,
						    schema->pow2, number);
}

static bool is_frontend(const struct vsys_schema_node *node)
{
	return node->dir != VSYS_DIR_BACKEND && node->dir != VSYS_DIR_BACKEND_ERROR;
}

/* 1: meant for this device; 0: not; -1: its class is not known. */
static int is_for_class(const struct vsys_check_device *device, const struct vsys_schema_node *node)
{
	const struct vsys_check_value *class = &device->value[VSYS_NODE_BACKEND_CLASS];

	if (!node->only_class)
		return 1;
	return class->good ? !strcmp(class->text, node->only_class) : -1;
}

static void check_absent(struct vsys_check *check, const struct vsys_check_device *device,
			 const struct vsys_schema_node *node, const char *path)
{
	uint64_t state = vsys_check_state(device, is_frontend(node));

	if (!(node->required & (1u << state)) || is_for_class(device, node) != 1)
		return;
	if (node->required == 0x1ff)
		vsys_check_finding(check, VSYS_ERROR, path, "This is missing.");
	else
		vsys_check_finding(check, VSYS_ERROR, path, "This is missing, but the %s is in state %s.",
				   is_frontend(node) ? "front-end" : "back-end", vsys_check_state_name(state));
}

/* A node that is there, whatever its value. */
static void check_present(struct vsys_check *check, const struct vsys_check_device *device,
			  const struct vsys_schema_node *node, const char *path)
{
	uint64_t state = vsys_check_state(device, is_frontend(node));

	if (node->absent & (1u << state))
		vsys_check_finding(check, VSYS_WARNING, path, "This means nothing while the %s is in state %s.",
				   is_frontend(node) ? "front-end" : "back-end", vsys_check_state_name(state));
	if (is_for_class(device, node) == 0)
		vsys_check_finding(check, VSYS_ERROR, path, "This is for devices of class %s only.",
				   node->only_class);
	vsys_check_access(check, node->access, node->by_frontend, path);
}

static void check_plain(struct vsys_check *check, struct vsys_check_device *device,
			int id, const char *dir_path)
{
	const struct vsys_schema_node *node = &vsys_schema_nodes[id];
	struct vsys_check_value *value = &device->value[id];
	char path[VSYS_CHECK_PATH + 64];

	snprintf(path, sizeof(path), "%s/%s", dir_path, node->key);
	/* Each queue has its own; the device keeps none of them. */
	free(value->text);
	value->text = vsys_check_read(check, path);
	value->good = false;
	if (!value->text) {
		check_absent(check, device, node, path);
		return;
	}
	value->good = vsys_check_value(check, node, path, value->text, &value->number);
	check_present(check, device, node, path);
}

/* How many of an indexed node there should be; -1: cannot be told. */
static int64_t count_of(const struct vsys_check_device *device, const struct vsys_schema_node *node)
{
	uint64_t number;

	if (!vsys_check_number(device, node->count, &number))
		return -1;
	return node->count_shift ? 1ll << number : (int64_t)number;
}

static void check_indexed(struct vsys_check *check, struct vsys_check_device *device,
			  const struct vsys_schema_node *node, const char *dir_path)
{
	int64_t count = count_of(device, node);
	unsigned int i;

	for (i = 0; i <= node->index_max && !check->err; i++) {
		char path[VSYS_CHECK_PATH + 64], *text;
		uint64_t number;

		snprintf(path, sizeof(path), "%s/%s%u", dir_path, node->key, i);
		text = vsys_check_read(check, path);
		if (!text) {
			if (i < count)
				check_absent(check, device, node, path);
			continue;
		}
		if (count >= 0 && i >= count)
			vsys_check_finding(check, VSYS_ERROR, path, "There should be only %lld, as %s says.",
					   (long long)count, vsys_schema_nodes[node->count].key);
		vsys_check_value(check, node, path, text, &number);
		check_present(check, device, node, path);
		free(text);
		if (node->type == VSYS_TYPE_DIR)
			vsys_check_dir(check, device, VSYS_DIR_QUEUE, path);
	}
}

static bool is_known(enum vsys_schema_dir dir, const char *name)
{
	const struct vsys_schema_node *node;
	uint32_t index;

	for (node = vsys_schema_nodes; node < vsys_schema_nodes + VSYS_NODES; node++) {
		size_t length = strlen(node->key);

		if (node->dir != dir || strncmp(name, node->key, length))
			continue;
		if (node->indexed ? !vsys_schema_u32(name + length, 0, node->index_max, false, &index) :
				    !name[length])
			return true;
	}
	return false;
}

static void check_unknown(struct vsys_check *check, enum vsys_schema_dir dir, const char *dir_path)
{
	size_t count = 0, i;
	char **names = vsys_check_list(check, dir_path, &count);

	if (names && count > VSYS_CHECK_MAX_CHILDREN) {
		vsys_check_finding(check, VSYS_ERROR, dir_path,
				   "There are %zu nodes; only %d of them and the known ones are looked at.",
				   count, VSYS_CHECK_MAX_CHILDREN);
		count = VSYS_CHECK_MAX_CHILDREN;
	}
	for (i = 0; names && i < count; i++) {
		char path[2 * VSYS_CHECK_PATH];

		if (is_known(dir, names[i]))
			continue;
		snprintf(path, sizeof(path), "%s/%.*s", dir_path, VSYS_CHECK_PATH / 2, names[i]);
		vsys_check_finding(check, VSYS_WARNING, path, "The schema does not know this.");
	}
	free(names);
}

/* Somebody gave up: that is what the reader of the findings wants to know. */
static void check_error_text(struct vsys_check *check, const struct vsys_check_device *device,
			     enum vsys_schema_dir dir, const char *dir_path)
{
	bool frontend = dir == VSYS_DIR_FRONTEND_ERROR;
	const struct vsys_check_value *value = &device->value[frontend ? VSYS_NODE_FRONTEND_ERROR_ERROR :
							      VSYS_NODE_BACKEND_ERROR_ERROR];

	if (value->good)
		vsys_check_finding(check, VSYS_WARNING, dir_path, "The %s reported: %.160s",
				   frontend ? "front-end" : "back-end", value->text);
}

void vsys_check_dir(struct vsys_check *check, struct vsys_check_device *device,
		    enum vsys_schema_dir dir, const char *path)
{
	static const int state_of[] = {
		[VSYS_DIR_BACKEND] = VSYS_NODE_BACKEND_STATE,
		[VSYS_DIR_FRONTEND] = VSYS_NODE_FRONTEND_STATE,
	};
	bool is_error = dir == VSYS_DIR_FRONTEND_ERROR || dir == VSYS_DIR_BACKEND_ERROR;
	bool is_side = dir == VSYS_DIR_FRONTEND || dir == VSYS_DIR_BACKEND;
	int id;

	/* The state decides on the others, the class on the block device's. */
	if (is_side)
		check_plain(check, device, state_of[dir], path);
	if (dir == VSYS_DIR_BACKEND)
		check_plain(check, device, VSYS_NODE_BACKEND_CLASS, path);
	for (id = 0; id < VSYS_NODES && !check->err; id++) {
		const struct vsys_schema_node *node = &vsys_schema_nodes[id];

		if (node->dir == dir && !node->indexed &&
		    id != VSYS_NODE_BACKEND_CLASS && !(is_side && id == state_of[dir]))
			check_plain(check, device, id, path);
	}
	/* Counts are known only now. */
	for (id = 0; id < VSYS_NODES && !check->err; id++)
		if (vsys_schema_nodes[id].dir == dir && vsys_schema_nodes[id].indexed)
			check_indexed(check, device, &vsys_schema_nodes[id], path);

	/* Queues were looked at as nodes of the front-end's directory. */
	if (is_side)
		vsys_check_access(check, dir == VSYS_DIR_FRONTEND ? VSYS_ACCESS_FRONTEND : VSYS_ACCESS_BACKEND,
				  dir == VSYS_DIR_FRONTEND, path);
	check_unknown(check, dir, path);
	if (is_error)
		check_error_text(check, device, dir, path);
}
