// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kinds of memory, and pointers to none.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client.h"

static const uint32_t ops[] = {
	VT_OP_IN, VT_OP_OUT, VT_OP_INOUT, VT_OP_SOME, VT_OP_CLEAR, VT_OP_BACKWARD, VT_OP_STRING,
};

#define NR_OPS (sizeof(ops) / sizeof(ops[0]))

/* Each way of touching; what can be read afterwards is compared. */
static void touch(int fd, const char *what, void *p, uint32_t len, const void *see, size_t size)
{
	struct vt_data data;

	for (size_t i = 0; i < NR_OPS; i++) {
		data = data_at(p, ops[i], len, i);
		show(call(fd, VT_DATA, &data), "%s, op %u", what, ops[i]);
		say("  %08x %08x", data.result, see ? digest(see, size) : 0);
	}
}

static void all(int fd, const char *what, void *p, uint32_t len)
{
	touch(fd, what, p, len, p, len);
}

static const char constant[5000] = "a constant";
static char zeroes[3 * PAGE];

static void *file_pages(int prot, int flags)
{
	static unsigned char content[3 * PAGE];
	int fd = memfd_create("client", 0);
	void *p;

	fill(content, sizeof(content), 8);
	if (fd < 0 || write(fd, content, sizeof(content)) != sizeof(content))
		fail("no memory file");
	p = mmap(NULL, sizeof(content), prot, flags, fd, 0);
	if (p == MAP_FAILED)
		fail("mmap of a file");
	close(fd);
	return p;
}

void test_kinds(void)
{
	size_t size = 3 * PAGE;
	int fd = open_node(0);
	char stack[5000], *heap = malloc(5000);
	char *p;

	memset(stack, 's', sizeof(stack));
	all(fd, "stack", stack, sizeof(stack));
	memset(heap, 'h', 5000);
	all(fd, "heap", heap, 5000);
	all(fd, "static, never touched", zeroes + 10, sizeof(zeroes) - 20);
	all(fd, "constant", (void *)constant, sizeof(constant));
	p = pages(size, PROT_READ | PROT_WRITE);
	all(fd, "new pages", p, size);
	madvise(p, size, MADV_DONTNEED);
	all(fd, "emptied pages", p, size);
	munmap(p, size);
	p = pages(size, PROT_READ);
	all(fd, "read-only pages", p, size);
	mprotect(p, size, PROT_READ | PROT_WRITE);
	memset(p, 'r', size);
	mprotect(p, size, PROT_READ);
	all(fd, "pages that became read-only", p, size);
	mprotect(p, size, PROT_READ | PROT_WRITE);
	all(fd, "... and writable again", p, size);
	mprotect(p, size, PROT_NONE);
	touch(fd, "... and inaccessible", p, size, NULL, 0);
	mprotect(p, size, PROT_READ | PROT_WRITE);
	all(fd, "... and back", p, size);
	munmap(p, size);
	touch(fd, "unmapped", p, size, NULL, 0);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	all(fd, "shared pages", p, size);
	munmap(p, size);
	p = file_pages(PROT_READ | PROT_WRITE, MAP_SHARED);
	all(fd, "a file, shared", p, size);
	munmap(p, size);
	p = file_pages(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	all(fd, "a file, private", p, size);
	munmap(p, size);
	p = file_pages(PROT_READ, MAP_SHARED);
	all(fd, "a file, read-only", p, size);
	munmap(p, size);
	p = pages(6 << 20, PROT_READ | PROT_WRITE);
	madvise(p, 6 << 20, MADV_HUGEPAGE);
	memset(p, 'H', 6 << 20);
	all(fd, "huge pages", p + (1 << 20), 3 << 20);
	munmap(p, 6 << 20);
	free(heap);
	close(fd);
}

/* Some pages of which one in the middle is something else. */
static void broken(int fd, const char *what, int prot)
{
	char *p = pages(4 * PAGE, PROT_READ | PROT_WRITE);
	uint32_t see = 0;

	memset(p, 'b', 4 * PAGE);
	if (prot < 0)
		munmap(p + 2 * PAGE, PAGE);
	else
		mprotect(p + 2 * PAGE, PAGE, prot);
	for (size_t i = 0; i < NR_OPS; i++) {
		for (uint32_t chunked = 0; chunked <= VT_OP_CHUNKED; chunked += VT_OP_CHUNKED) {
			struct vt_data data = data_at(p + 100, ops[i] | chunked, 3 * PAGE, i);

			show(call(fd, VT_DATA, &data), "%s, op %#x", what, data.op);
			/* What was done before the error. */
			see = digest(p, 2 * PAGE) * 31 + digest(p + 3 * PAGE, PAGE);
			say("  %08x %08x", data.result, see);
		}
	}
	munmap(p, 4 * PAGE);
}

void test_bad(void)
{
	static const unsigned long addresses[] = {
		0, 1, 8, 4095, ~0ul, ~0ul - 4095, ~0ul / 2 + 1,
		/* A kernel's, and one that is no address at all. */
		(unsigned long)0xffff888000000000ull, (unsigned long)0x8000000000000000ull,
		(unsigned long)0x7fffffffefffull, (unsigned long)0xffffe000ull,
	};
	int fd = open_node(0);
	unsigned char *p = pages(2 * PAGE, PROT_READ | PROT_WRITE);
	struct vt_data data;

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		void *bad = (void *)addresses[i];

		show(call(fd, VT_FLAT, bad), "bad argument %zu", i);
		show(call(fd, VT_DATA, bad), "... of data");
		show(call(fd, VT_OLD, bad), "... of an old command");
		for (size_t o = 0; o < NR_OPS; o++) {
			data = data_at(bad, ops[o], 100, 0);
			show(call(fd, VT_DATA, &data), "bad data %zu, op %u", i, ops[o]);
		}
		show(call(fd, VT_INT, bad), "... as a number");
		data = data_at(bad, VT_OP_NOTHING, 100, 0);
		show(call(fd, VT_DATA, &data), "... never followed");
	}
	broken(fd, "a hole", -1);
	broken(fd, "a read-only page", PROT_READ);
	broken(fd, "an inaccessible page", PROT_NONE);

	/* The argument itself at the end of what there is. */
	munmap(p + PAGE, PAGE);
	fill(p, PAGE, 4);
	for (size_t n = 0; n <= sizeof(struct vt_flat); n += 16) {
		show(call(fd, VT_FLAT, p + PAGE - n), "argument with %zu bytes", n);
		say("  %08x", digest(p, PAGE));
	}
	mprotect(p, PAGE, PROT_READ);
	show(call(fd, VT_FLAT, p), "read-only argument");
	data = data_at(p, VT_OP_IN, PAGE, 0);
	show(call(fd, VT_DATA, &data), "... to read");
	show(call(fd, VT_DATA_RET, &data), "... to read, nothing is written");
	munmap(p, PAGE);
	close(fd);
}

/*
 * Below 4 MiB a remote driver does not reach the caller.  What it finds there is
 * not said; only that the call ends.
 */
void test_low(void)
{
	char *p = mmap((void *)0x10000, 0x3f0000, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	bool mapped = p == (void *)0x10000;
	int fd = open_node(0);
	struct vt_data data;

	/* Each page where the executor's own may be; some of the others. */
	for (unsigned long at = 0x1000; at < 0x404000;
	     at += (at > 0xf000 && at < 0x20000) || at > 0x3fd000 ? 0xff0 : 0xfff0) {
		for (size_t o = 0; o < NR_OPS; o++) {
			data = data_at((void *)at, ops[o], 0x2000, at);
			call(fd, VT_DATA, &data);
		}
		if (mapped && at >= 0x10000 && at < 0x3ff000)
			call(fd, VT_FLAT, (void *)at);
	}
	show(call_int(fd, VT_NONE, 0), "low: still alive, call");
	close(fd);
}
