// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check.c - the checker's frame: finds a domain's devices, reads, reports.
 *
 * Invariant: whatever the guest wrote, the work is bounded by the limits in
 * check.h, and what reaches the reporter is printable.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vsys-xenstore.h>

#include "check-internal.h"

#define CHECK_SENTENCE 320

/* A terminal must not act on what a guest wrote. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

void vsys_check_finding(struct vsys_check *check, enum vsys_severity severity,
			const char *path, const char *format, ...)
{
	char where[VSYS_CHECK_PATH], sentence[CHECK_SENTENCE];
	va_list args;

	/* What the store did not say is not missing. */
	if (check->err)
		return;
	if (severity == VSYS_ERROR && check->errors < INT_MAX)
		check->errors++;
	if (check->findings > VSYS_CHECK_MAX_FINDINGS)
		return;
	snprintf(where, sizeof(where), "%s", path);
	if (check->findings++ == VSYS_CHECK_MAX_FINDINGS) {
		snprintf(sentence, sizeof(sentence), "There are more than %d findings; the rest is not shown.",
			 VSYS_CHECK_MAX_FINDINGS);
		severity = VSYS_WARNING;
	} else {
		va_start(args, format);
		vsnprintf(sentence, sizeof(sentence), format, args);
		va_end(args);
	}
	make_printable(where);
	make_printable(sentence);
	check->report(check->ctx, severity, where, sentence);
}

/* After a failed call of the store; absence is no failure. */
static void read_failed(struct vsys_check *check, const char *path)
{
	if (errno == EACCES)
		vsys_check_finding(check, VSYS_ERROR, path, "This may not be read by the checker.");
	else if (errno != ENOENT)
		check->err = errno ? -errno : -EIO;
}

char *vsys_check_read(struct vsys_check *check, const char *path)
{
	size_t len = 0;
	char *text;

	if (check->err)
		return NULL;
	text = check->store->read(check->store->ctx, path, &len);
	if (!text)
		read_failed(check, path);
	else if (strlen(text) != len)
		vsys_check_finding(check, VSYS_ERROR, path, "The value has a zero byte in it.");
	return text;
}

char **vsys_check_list(struct vsys_check *check, const char *path, size_t *count)
{
	char **names;

	if (check->err)
		return NULL;
	names = check->store->list(check->store->ctx, path, count);
	if (!names)
		read_failed(check, path);
	return names;
}

struct vsys_perm *vsys_check_perms(struct vsys_check *check, const char *path, size_t *count)
{
	struct vsys_perm *perms;

	if (check->err)
		return NULL;
	perms = check->store->perms(check->store->ctx, path, count);
	if (!perms)
		read_failed(check, path);
	return perms;
}

struct devids {
	uint32_t id[2 * VSYS_CHECK_MAX_DEVICES];
	size_t count;
};

static int compare_devids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The children of path that are device ids, at most VSYS_CHECK_MAX_DEVICES. */
static void add_devids(struct vsys_check *check, struct devids *devids, const char *path)
{
	size_t count = 0, i;
	char **names = vsys_check_list(check, path, &count);

	if (names && count > VSYS_CHECK_MAX_DEVICES) {
		vsys_check_finding(check, VSYS_ERROR, path,
				   "There are %zu devices; only %d of them are looked at.",
				   count, VSYS_CHECK_MAX_DEVICES);
		count = VSYS_CHECK_MAX_DEVICES;
	}
	for (i = 0; names && i < count; i++) {
		char quoted[VSYS_CHECK_QUOTED];
		uint32_t id;

		if (vsys_schema_u32(names[i], 0, UINT32_MAX, false, &id))
			vsys_check_finding(check, VSYS_ERROR, path, "The child %s is not a device id.",
					   vsys_check_quote(quoted, names[i]));
		else
			devids->id[devids->count++] = id;
	}
	free(names);
}

static bool has_dir(struct vsys_check *check, const char *path)
{
	char *text = vsys_check_read(check, path);

	free(text);
	return text;
}

static void check_device(struct vsys_check *check, uint32_t devid)
{
	struct vsys_check_device device = { .devid = devid };
	char path[VSYS_CHECK_PATH];
	size_t i;

	snprintf(device.backend_path, sizeof(device.backend_path), VSYS_PATHF_BACKEND,
		 check->backend_domid, check->domid, devid);
	snprintf(device.frontend_path, sizeof(device.frontend_path), VSYS_PATHF_FRONTEND,
		 check->domid, devid);
	device.backend = has_dir(check, device.backend_path);
	device.frontend = has_dir(check, device.frontend_path);

	/* The back-end's first: its class and its limits are what counts. */
	if (device.backend)
		vsys_check_dir(check, &device, VSYS_DIR_BACKEND, device.backend_path);
	if (device.frontend)
		vsys_check_dir(check, &device, VSYS_DIR_FRONTEND, device.frontend_path);
	vsys_check_pair(check, &device);

	/* Mostly there is none: nothing is required in it. */
	snprintf(path, sizeof(path), VSYS_PATHF_BACKEND_ERROR, check->backend_domid, check->domid, devid);
	vsys_check_dir(check, &device, VSYS_DIR_BACKEND_ERROR, path);
	snprintf(path, sizeof(path), VSYS_PATHF_FRONTEND_ERROR, check->domid, devid);
	vsys_check_dir(check, &device, VSYS_DIR_FRONTEND_ERROR, path);

	for (i = 0; i < VSYS_NODES; i++)
		free(device.value[i].text);
}

int vsys_schema_check(const struct vsys_store *store, uint32_t backend_domid,
		      uint32_t domid, vsys_report_fn report, void *ctx)
{
	struct vsys_check check = {
		.store = store,
		.backend_domid = backend_domid,
		.domid = domid,
		.report = report,
		.ctx = ctx,
	};
	struct devids devids = { .count = 0 };
	char path[VSYS_CHECK_PATH];
	size_t i;

	snprintf(path, sizeof(path), VSYS_PATHF_BACKEND_ALL, backend_domid, domid);
	add_devids(&check, &devids, path);
	snprintf(path, sizeof(path), VSYS_PATHF_FRONTEND_ALL, domid);
	add_devids(&check, &devids, path);

	qsort(devids.id, devids.count, sizeof(devids.id[0]), compare_devids);
	for (i = 0; i < devids.count && !check.err; i++)
		if (i == 0 || devids.id[i] != devids.id[i - 1])
			check_device(&check, devids.id[i]);
	return check.err ? check.err : check.errors;
}
