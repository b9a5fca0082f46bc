// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check-pair.c - what the two sides of a device say of each other.
 *
 * Values that are missing or malformed have been reported before and are left
 * out here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <vsys-xenstore.h>

#include "check-internal.h"

static void check_path_link(struct vsys_check *check, const struct vsys_check_device *device,
			    int id, const char *from, const char *to)
{
	char path[VSYS_CHECK_PATH + 64], quoted[VSYS_CHECK_QUOTED];
	const struct vsys_check_value *value = &device->value[id];

	if (!value->good || !strcmp(value->text, to))
		return;
	snprintf(path, sizeof(path), "%s/%s", from, vsys_schema_nodes[id].key);
	vsys_check_finding(check, VSYS_ERROR, path, "%s is not the other side's directory, which is %s.",
			   vsys_check_quote(quoted, value->text), to);
}

static void check_id_link(struct vsys_check *check, const struct vsys_check_device *device,
			  int id, const char *from, uint32_t to)
{
	char path[VSYS_CHECK_PATH + 64];
	const struct vsys_check_value *value = &device->value[id];

	if (!value->good || value->number == to)
		return;
	snprintf(path, sizeof(path), "%s/%s", from, vsys_schema_nodes[id].key);
	vsys_check_finding(check, VSYS_ERROR, path, "%" PRIu64 " is not the other side's domain, which is %u.",
			   value->number, to);
}

/* Whether the front-end says that its back-end is in another domain. */
static bool is_elsewhere(const struct vsys_check *check, const struct vsys_check_device *device)
{
	const struct vsys_check_value *value = &device->value[VSYS_NODE_FRONTEND_BACKEND_ID];

	return value->good && value->number != check->backend_domid;
}

static void check_alone(struct vsys_check *check, const struct vsys_check_device *device)
{
	if (device->backend)
		vsys_check_finding(check, VSYS_ERROR, device->backend_path,
				   "There is no front-end: %s does not exist.", device->frontend_path);
	else if (is_elsewhere(check, device))
		vsys_check_finding(check, VSYS_WARNING, device->frontend_path,
				   "The back-end is in domain %" PRIu64 ", which is not looked at.",
				   device->value[VSYS_NODE_FRONTEND_BACKEND_ID].number);
	else if (device->frontend)
		vsys_check_finding(check, VSYS_ERROR, device->frontend_path,
				   "There is no back-end: %s does not exist.", device->backend_path);
}

static void check_limit(struct vsys_check *check, const struct vsys_check_device *device,
			const struct vsys_schema_node *node, const char *path, uint64_t number)
{
	uint64_t limit;

	if (node->limit < 0 || !vsys_check_number(device, node->limit, &limit) || number <= limit)
		return;
	vsys_check_finding(check, VSYS_ERROR, path, "%" PRIu64 " is more than the other side's %s, which is %"
			   PRIu64 ".", number, vsys_schema_nodes[node->limit].key, limit);
}

static void check_listed(struct vsys_check *check, const struct vsys_check_device *device,
			 const struct vsys_schema_node *node, const char *path, uint64_t number)
{
	char quoted[VSYS_CHECK_QUOTED];
	const struct vsys_check_value *list;

	if (node->listed < 0)
		return;
	list = &device->value[node->listed];
	if (!list->good || !vsys_schema_listed(list->text, (uint32_t)number))
		return;
	vsys_check_finding(check, VSYS_ERROR, path, "%" PRIu64 " is not in the other side's %s, which is %s.",
			   number, vsys_schema_nodes[node->listed].key, vsys_check_quote(quoted, list->text));
}

/*
 * One side that is Connected while the other has not come that far, or starts
 * anew.  Normal for a moment; if it stays, one of them missed a change.
 */
static void check_states(struct vsys_check *check, const struct vsys_check_device *device)
{
	uint64_t backend = vsys_check_state(device, false), frontend = vsys_check_state(device, true);

	if (!backend || !frontend)
		return;
	if (frontend == 4 && backend < 4)
		vsys_check_finding(check, VSYS_WARNING, device->frontend_path,
				   "The front-end is Connected, but the back-end is in state %s.",
				   vsys_check_state_name(backend));
	if (backend == 4 && frontend < 3)
		vsys_check_finding(check, VSYS_WARNING, device->backend_path,
				   "The back-end is Connected, but the front-end is in state %s.",
				   vsys_check_state_name(frontend));
}

void vsys_check_pair(struct vsys_check *check, const struct vsys_check_device *device)
{
	int id;

	if (!device->backend || !device->frontend) {
		check_alone(check, device);
		return;
	}
	check_path_link(check, device, VSYS_NODE_BACKEND_FRONTEND, device->backend_path, device->frontend_path);
	check_path_link(check, device, VSYS_NODE_FRONTEND_BACKEND, device->frontend_path, device->backend_path);
	check_id_link(check, device, VSYS_NODE_BACKEND_FRONTEND_ID, device->backend_path, check->domid);
	check_id_link(check, device, VSYS_NODE_FRONTEND_BACKEND_ID, device->frontend_path, check->backend_domid);

	for (id = 0; id < VSYS_NODES; id++) {
		const struct vsys_schema_node *node = &vsys_schema_nodes[id];
		char path[VSYS_CHECK_PATH + 64];
		uint64_t number;

		if (node->dir != VSYS_DIR_FRONTEND || (node->limit < 0 && node->listed < 0) ||
		    !vsys_check_number(device, id, &number))
			continue;
		snprintf(path, sizeof(path), "%s/%s", device->frontend_path, node->key);
		check_limit(check, device, node, path, number);
		check_listed(check, device, node, path, number);
	}
	check_states(check, device);
}
