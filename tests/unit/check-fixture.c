// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check-fixture.c - a connected device in a fake store, and the checker run on it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check-fixture.h"

struct fake_store fake;

static void note(void *ctx, enum vsys_severity severity, const char *path, const char *sentence)
{
	struct findings *found = ctx;
	const char *p;

	found->count++;
	found->errors += severity == VSYS_ERROR;
	found->bounded += severity == VSYS_ERROR && strstr(sentence, "looked at");
	found->severity = severity;
	snprintf(found->path, sizeof(found->path), "%s", path);
	snprintf(found->sentence, sizeof(found->sentence), "%s", sentence);
	for (p = path; *p; p++)
		assert_in_range(*p, ' ', '~');
	for (p = sentence; *p; p++)
		assert_in_range(*p, ' ', '~');
	assert_true(strlen(path) > 0 && strlen(sentence) > 0);
	if (getenv("VSYS_TEST_SHOW"))
		fprintf(stderr, "# %d %s: %s\n", severity, path, sentence);
}

int check(struct findings *found)
{
	memset(found, 0, sizeof(*found));
	return vsys_schema_check(&fake.store, BACK_DOM, GUEST, note, found);
}

void back(const char *key, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), BACK "/%s", key);
	fake_put(&fake, BACK_DOM, GUEST, path, value);
}

void front(const char *key, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), FRONT "/%s", key);
	fake_put(&fake, GUEST, BACK_DOM, path, value);
}

/* A connected device: class char, two queues, rings of two pages. */
int connected(void **state)
{
	(void)state;
	fake_store_init(&fake);
	back("frontend", FRONT);
	back("frontend-id", "5");
	back("online", "1");
	back("state", "4");
	back("hotplug-status", "connected");
	back("versions", "1,2");
	back("max-ring-page-order", "4");
	back("multi-queue-max-queues", "4");
	back("max-pool-pages", "1024");
	back("name", "snd/pcmC0D0p");
	back("class", "char");
	back("mode", "rw");
	front("backend", BACK);
	front("backend-id", "0");
	front("state", "4");
	front("version", "1");
	front("ring-page-order", "1");
	front("pool-pages", "256");
	front("multi-queue-num-queues", "2");
	front("queue-0/ring-ref0", "8");
	front("queue-0/ring-ref1", "9");
	front("queue-0/event-channel", "11");
	front("queue-0/pool-ref", "10");
	front("queue-1/ring-ref0", "18");
	front("queue-1/ring-ref1", "19");
	front("queue-1/event-channel", "12");
	front("queue-1/pool-ref", "20");
	return 0;
}

/* The same as a block device, with every optional node. */
int connected_block(void **state)
{
	connected(state);
	back("class", "block");
	back("sectors", "2048");
	back("sector-size", "512");
	back("physical-sector-size", "4096");
	back("minimum-io-size", "4096");
	back("optimal-io-size", "0");
	back("rotational", "0");
	back("removable", "1");
	back("feature-flush", "1");
	back("feature-discard", "1");
	back("discard-granularity", "4096");
	back("discard-max-bytes", "1073741824");
	back("feature-write-zeroes", "1");
	back("write-zeroes-max-bytes", "0");
	back("feature-ioctl", "1");
	front("feature-ioctl", "0");
	return 0;
}

int gone(void **state)
{
	(void)state;
	fake_store_free(&fake);
	return 0;
}

void expect_clean(void)
{
	struct findings found;

	assert_int_equal(check(&found), 0);
	if (found.count)
		fail_msg("%s: %s", found.path, found.sentence);
}

void expect(enum vsys_severity severity, const char *path, const char *words)
{
	struct findings found;
	int result = check(&found);

	if (found.count != 1)
		fail_msg("%zu findings, the last: %s: %s", found.count, found.path, found.sentence);
	assert_string_equal(found.path, path);
	if (!strstr(found.sentence, words))
		fail_msg("\"%s\" does not say \"%s\"", found.sentence, words);
	assert_int_equal(found.severity, severity);
	assert_int_equal(result, severity == VSYS_ERROR);
}
