// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that the driver keeps after the call and writes later.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

static long pin(int fd, void *p, uint32_t len, uint32_t salt, uint32_t delay, uint32_t *id)
{
	struct vt_pin arg = { .data = word(p), .len = len, .salt = salt, .delay = delay };
	long ret = call(fd, VT_PIN, &arg);

	*id = arg.id;
	return ret;
}

static long pin_write(int fd, uint32_t id, uint32_t offset, uint32_t len, uint32_t salt)
{
	struct vt_pinned arg = { .id = id, .offset = offset, .len = len, .salt = salt };

	return call(fd, VT_PIN_WRITE, &arg);
}

static void show_read(int fd, uint32_t id, uint32_t offset, uint32_t len)
{
	struct vt_pinned arg = { .id = id, .offset = offset, .len = len };

	show(call(fd, VT_PIN_READ, &arg), "  the driver reads %u at %u", len, offset);
	say("  %08x", arg.result);
}

/* Both sides write in turn, and each sees what the other wrote. */
static void one(int fd, unsigned char *p, size_t at, uint32_t len)
{
	size_t room = at + len + PAGE;
	uint32_t id;

	fill(p, room, len);
	show(pin(fd, p + at, len, len, 0, &id), "pin %u at %zu", len, at);
	say("  id %u, %08x", id, digest(p, room));
	show_read(fd, id, 0, len);
	fill(p, room, len + 1);
	show_read(fd, id, 0, len);
	show_read(fd, id, len / 2, len / 3);
	show(pin_write(fd, id, len / 3, len / 2, 7), "  the driver writes");
	say("  %08x", digest(p, room));
	p[at] ^= 1;
	p[at + len] ^= 1;
	show_read(fd, id, 0, len);
	show(pin_write(fd, id, len, 1, 7), "  the driver writes behind it");
	show(call_int(fd, VT_UNPIN, id), "  unpin");
	say("  %08x", digest(p, room));
	show(pin_write(fd, id, 0, 1, 7), "  the driver writes after that");
}

/* Written by a timer: seen by the call that waits for it, and without any call. */
static void later(int fd, unsigned char *p, size_t at, uint32_t len)
{
	volatile unsigned char *last = p + at + len - 1;
	unsigned char was;
	double limit;
	uint32_t id;

	fill(p, at + len + PAGE, 5);
	show(pin(fd, p + at, len, 11, 50, &id), "pin %u, written later", len);
	show(call_int(fd, VT_PIN_WAIT, id), "  wait for it");
	say("  %08x", digest(p, at + len + PAGE));
	show(call_int(fd, VT_UNPIN, id), "  unpin");

	fill(p, at + len + PAGE, 6);
	was = *last;
	show(pin(fd, p + at, len, 12, 300, &id), "pin %u, written later", len);
	limit = now() + 30;
	while (*last == was && now() < limit)
		usleep(1000);
	/* A byte of the pattern that equals the old one would be waited for in vain. */
	say("  seen by itself: %s", *last != was ? "yes" : "no");
	show(call_int(fd, VT_PIN_WAIT, id), "  wait for it");
	say("  %08x", digest(p, at + len + PAGE));
	show(call_int(fd, VT_UNPIN, id), "  unpin");
}

static void several(int fd, unsigned char *p)
{
	uint32_t id[10];

	fill(p, 12 * PAGE, 3);
	/* Overlapping, and neighbours in one page. */
	for (int i = 0; i < 10; i++)
		show(pin(fd, p + i * 1000, 3000, i, 0, &id[i]), "one of ten");
	for (int i = 0; i < 10; i += 2)
		pin_write(fd, id[i], i, 500, i);
	say("  %08x", digest(p, 12 * PAGE));
	for (int i = 0; i < 10; i++)
		show_read(fd, id[i], 0, 3000);
	for (int i = 9; i >= 0; i -= 2)
		show(call_int(fd, VT_UNPIN, id[i]), "unpin");
	/* What is still pinned in the same page stays. */
	for (int i = 0; i < 10; i += 2)
		show(pin_write(fd, id[i], 0, 100, i + 50), "the driver writes to what is left");
	say("  %08x", digest(p, 12 * PAGE));
	p[2500] ^= 0xff;
	show_read(fd, id[2], 0, 3000);
	/* A call that copies, in pages that are pinned. */
	struct vt_data data = data_at(p + 1500, VT_OP_INOUT, 3000, 1);
	show(call(fd, VT_DATA, &data), "a call on pinned memory");
	say("  %08x %08x", data.result, digest(p, 12 * PAGE));
	show_read(fd, id[2], 0, 3000);
	for (int i = 0; i < 10; i += 2)
		show(call_int(fd, VT_UNPIN, id[i]), "unpin");
}

/* The argument of the call crosses a page, somewhere. */
static void across(int fd)
{
	for (size_t first = 4; first < sizeof(struct vt_pin); first += 4) {
		unsigned char *p = pages(2 * PAGE, PROT_READ | PROT_WRITE);
		struct vt_pin pinned = { .data = word(p + 10), .len = PAGE, .salt = 1 };
		unsigned char *place = pages(2 * PAGE, PROT_READ | PROT_WRITE);
		void *arg = place + PAGE - first;

		fill(p, 2 * PAGE, first);
		memcpy(arg, &pinned, sizeof(pinned));
		show(call(fd, VT_PIN, arg), "pin, %zu bytes of its argument before a page's end",
		     first);
		memcpy(&pinned, arg, sizeof(pinned));
		show_read(fd, pinned.id, 0, PAGE);
		show(call_int(fd, VT_UNPIN, pinned.id), "  unpin");
		munmap(p, 2 * PAGE);
		munmap(place, 2 * PAGE);
	}
}

static void fork_and_exit(int fd, unsigned char *p)
{
	int status, other;
	uint32_t id;
	pid_t pid;

	/* A fork: the pinned pages stay the parent's. */
	fill(p, 2 * PAGE, 9);
	show(pin(fd, p + 50, 5000, 1, 0, &id), "pin, then fork");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		memset(p, 'c', 2 * PAGE);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	p[0] ^= 1;
	show(pin_write(fd, id, 0, 5000, 3), "  the driver writes");
	say("  %08x", digest(p, 2 * PAGE));
	p[60] ^= 1;
	show_read(fd, id, 0, 5000);
	show(call_int(fd, VT_UNPIN, id), "  unpin");

	/* A process ends with pins: they end with its file. */
	fflush(stdout);
	pid = fork();
	if (!pid) {
		other = open_node(0);
		for (int i = 0; i < 5; i++)
			pin(other, p + i * 500, 5000, 1, i * 1000, &id);
		_exit(call_int(other, VT_PINS, 0));
	}
	waitpid(pid, &status, 0);
	say("a process ended with %d pins", WEXITSTATUS(status));
	await_count(fd, VT_PINS, 0);

	/* munmap of what is pinned. */
	p = pages(4 * PAGE, PROT_READ | PROT_WRITE);
	show(pin(fd, p, 4 * PAGE, 1, 0, &id), "pin, then munmap");
	munmap(p, 4 * PAGE);
	show(pin_write(fd, id, 0, 5000, 3), "  the driver writes");
	show_read(fd, id, 0, 5000);
	show(call_int(fd, VT_UNPIN, id), "  unpin");
}

void test_pin(void)
{
	static const uint32_t lens[] = { 1, 100, 4096, 5000, 65536, 1 << 20, 4 << 20 };
	static const size_t ats[] = { 0, 1, 4000 };
	unsigned char *p = pages((4 << 20) + 4 * PAGE, PROT_READ | PROT_WRITE);
	int fd = open_node(0);
	uint32_t id;

	for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++)
		for (size_t a = 0; a < sizeof(ats) / sizeof(ats[0]); a++)
			if (lens[l] <= 65536 || ats[a] == 1)
				one(fd, p, ats[a], lens[l]);
	later(fd, p, 30, 100);
	later(fd, p, 4090, 10000);
	later(fd, p, 4090, 1 << 20);
	several(fd, p);
	across(fd);
	fork_and_exit(fd, p);
	munmap(p, (4 << 20) + 4 * PAGE);

	p = pages(2 * PAGE, PROT_READ);
	show(pin(fd, p, PAGE, 1, 0, &id), "pin of read-only pages");
	munmap(p, PAGE);
	show(pin(fd, p, PAGE, 1, 0, &id), "pin of nothing");
	show(pin(fd, p, 2 * PAGE, 1, 0, &id), "pin of half of nothing");
	show(pin(fd, (void *)8, PAGE, 1, 0, &id), "pin at 8");
	show(pin(fd, p, 0, 1, 0, &id), "pin of no length");
	munmap(p + PAGE, PAGE);
	show(call_int(fd, VT_PINS, 0), "pins that are left");
	close(fd);
}
