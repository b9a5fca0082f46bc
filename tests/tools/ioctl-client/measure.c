// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a call costs: in time, and in what the front-end counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "client.h"

#define NR_LIST 8
#define ROUNDS 9

/* Calls that are made again and again, each with its memory. */
static struct vt_flat flat;
static struct vt_data small, large, out;
static struct vt_deep deep;
static struct vt_mid mid;
static struct vt_data leaf;
static struct vt_node nodes[NR_LIST];
static struct vt_list list;
static struct iovec in_vecs[4], out_vecs[4];
static struct vt_vecs vecs;

static const struct shape {
	const char *name;
	unsigned long cmd;
	void *arg;
} shapes[] = {
	{ "none", VT_NONE, NULL },
	{ "flat", VT_FLAT, &flat },
	{ "nested", VT_DATA, &small },
	{ "deep", VT_DEEP, &deep },
	{ "list", VT_LIST, &list },
	{ "vecs", VT_VECS, &vecs },
	{ "out", VT_DATA, &out },
	{ "large", VT_DATA, &large },
};

#define NR_SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* Each piece in a page of its own, as they are in a large program. */
static void prepare(void)
{
	unsigned char *p = pages(64 * PAGE, PROT_READ | PROT_WRITE);

	memset(p, 'm', 64 * PAGE);
	small = data_at(p + 100, VT_OP_INOUT, 64, 1);
	out = data_at(p + 2 * PAGE, VT_OP_OUT, 512, 1);
	large = data_at(p + 40 * PAGE + 5, VT_OP_INOUT, 16 * PAGE, 1);
	leaf = data_at(p + 4 * PAGE + 100, VT_OP_INOUT, 64, 1);
	mid.leaf = word(&leaf);
	deep.mid = word(&mid);
	for (int i = 0; i < NR_LIST; i++)
		nodes[i] = (struct vt_node){
			.next = i < NR_LIST - 1 ? word(&nodes[i + 1]) : 0,
			.data = word(p + (8 + i) * PAGE), .op = VT_OP_INOUT, .len = 64,
		};
	list = (struct vt_list){ .head = word(nodes), .nr = 100 };
	for (int i = 0; i < 4; i++) {
		in_vecs[i] = (struct iovec){ p + (20 + i) * PAGE, 100 };
		out_vecs[i] = (struct iovec){ p + (30 + i) * PAGE, 100 };
	}
	vecs = (struct vt_vecs){
		.in = word(in_vecs), .out = word(out_vecs), .nr_in = 4, .nr_out = 4,
	};
}

static double calls_per_second(int fd, const struct shape *s, double seconds)
{
	double begin = now(), end;
	long n = 0;

	do {
		for (int i = 0; i < 10; i++, n++)
			if (call(fd, s->cmd, s->arg) < 0)
				fail("%s failed", s->name);
		end = now();
	} while (end - begin < seconds);
	return n / (end - begin);
}

/* Interleaved, since the machine is not the same from second to second. */
void measure(double seconds)
{
	int fd = open_node(0);

	prepare();
	for (int round = 1; round <= ROUNDS; round++)
		for (size_t i = 0; i < 4; i++)
			say("round %d %s %.1f calls/s", round, shapes[i].name,
			    calls_per_second(fd, &shapes[i], seconds / ROUNDS));
	close(fd);
}

static const char *const counters[] = {
	"calls", "round_trips", "needs", "pages_sent", "dirty_bytes", "grants_mapped",
	"notifications", "interrupts",
};

#define NR_COUNTERS (sizeof(counters) / sizeof(counters[0]))

/* Lines "name: value"; one that is not there is -1. */
static void read_counters(const char *path, long *values)
{
	char name[64];
	FILE *f = fopen(path, "r");
	long value;

	if (!f)
		fail("there is no %s", path);
	for (size_t i = 0; i < NR_COUNTERS; i++)
		values[i] = -1;
	while (fscanf(f, " %63[^: \n]%*[: ]%ld%*[^\n]", name, &value) >= 1)
		for (size_t i = 0; i < NR_COUNTERS; i++)
			if (!strcmp(name, counters[i]))
				values[i] = value;
	fclose(f);
}

void trips(const char *stats)
{
	long before[NR_COUNTERS], after[NR_COUNTERS];
	int fd = open_node(0);

	prepare();
	for (size_t s = 0; s < NR_SHAPES; s++) {
		for (int n = 1; n <= 10; n++) {
			read_counters(stats, before);
			if (call(fd, shapes[s].cmd, shapes[s].arg) < 0)
				fail("%s failed", shapes[s].name);
			read_counters(stats, after);
			printf("%s %d", shapes[s].name, n);
			for (size_t i = 0; i < NR_COUNTERS; i++)
				printf(" %s %ld", counters[i], after[i] - before[i]);
			putchar('\n');
		}
	}
	close(fd);
}
