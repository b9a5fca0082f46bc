// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random calls of random shapes, and many threads and processes at once.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

/*
 * All happens in an arena at a fixed address, so that its content, pointers and
 * all, is the same in each run.
 */
#define ARENA		((unsigned char *)0x20000000ul)
#define ARENA_SIZE	(96u * PAGE)
/* The kernel's memory; for a 32-bit program, which has none, nobody's. */
#define BEYOND		(sizeof(long) == 8 ? ~0ul - 200000 : 0x90000000ul)
#define READ_ONLY_PAGE	94u	/* behind it one that is not there */

struct builder {
	uint32_t r;		/* random state */
	uint32_t at;		/* what is below is in use */
	uint32_t data, data_len;	/* the last piece of data */
	uint32_t nodes;		/* that a tree may still have */
};

static uint32_t below(struct builder *b, uint32_t n)
{
	return next_random(&b->r) % n;
}

/* Some bytes that no other structure has, at any alignment. */
static uint32_t take(struct builder *b, uint32_t size)
{
	uint32_t at = b->at;

	switch (below(b, 8)) {
	case 0: at += below(b, 3 * PAGE); break;
	case 1: at = (at + PAGE - 1) / PAGE * PAGE; break;
	case 2: at = (at + PAGE - 1) / PAGE * PAGE + PAGE - 1 - below(b, 40); break;
	default: at += below(b, 50); break;
	}
	if (at + size > READ_ONLY_PAGE * PAGE)
		at = b->at;
	if (at + size > READ_ONLY_PAGE * PAGE)
		return 0;	/* full: what is there is overwritten */
	b->at = at + size;
	return at;
}

static uint32_t random_len(struct builder *b)
{
	switch (below(b, 16)) {
	case 0: return 0;
	case 1: return below(b, 40 * PAGE);
	case 2: case 3: return below(b, 3 * PAGE);
	case 4: return PAGE;
	default: return 1 + below(b, 300);
	}
}

/* A pointer to data: mostly good. */
static unsigned long random_data(struct builder *b, uint32_t *op, uint32_t *len)
{
	*op = below(b, VT_OP_LIMIT) | (below(b, 4) ? 0 : VT_OP_CHUNKED);
	*len = random_len(b);
	if (*op == VT_OP_BACKWARD)
		*len %= 600;
	switch (below(b, 40)) {
	case 0: return 8 + below(b, 1000);
	case 1: return word(ARENA + ARENA_SIZE) + below(b, PAGE);
	case 2: return word(ARENA + READ_ONLY_PAGE * PAGE) - below(b, 200);
	case 3: return BEYOND + below(b, 100000);
	case 4: case 5:
		/* Overlapping with what was there before. */
		if (b->data_len) {
			*len %= b->data_len + 1;
			return word(ARENA + b->data + below(b, b->data_len - *len + 1));
		}
	}
	b->data = take(b, *len);
	if (b->data + *len > READ_ONLY_PAGE * PAGE || (!b->data && *len))
		*len = 0;
	b->data_len = *len;
	return word(ARENA + b->data);
}

static uint32_t put(struct builder *b, const void *what, uint32_t size)
{
	uint32_t at = take(b, size);

	memcpy(ARENA + at, what, size);
	return at;
}

static long random_flat(struct builder *b, int fd)
{
	struct vt_flat flat;

	fill(&flat, sizeof(flat), b->r);
	return call(fd, below(b, 2) ? VT_OLD : VT_FLAT, ARENA + put(b, &flat, sizeof(flat)));
}

static long random_one(struct builder *b, int fd)
{
	static const unsigned long cmds[] = { VT_DATA, VT_DATA_RET, VT_LIE };
	struct vt_data data = { .salt = b->r };

	data.data = random_data(b, &data.op, &data.len);
	return call(fd, cmds[below(b, 3)], ARENA + put(b, &data, sizeof(data)));
}

static long random_deep(struct builder *b, int fd)
{
	struct vt_data data = { .salt = b->r };
	struct vt_mid mid = { .salt = b->r };
	struct vt_deep deep = { .salt = b->r };

	data.data = random_data(b, &data.op, &data.len);
	mid.leaf = word(ARENA + put(b, &data, sizeof(data)));
	mid.before = below(b, 1000);
	deep.mid = word(ARENA + put(b, &mid, sizeof(mid)));
	return call(fd, VT_DEEP, ARENA + put(b, &deep, sizeof(deep)));
}

static long random_list(struct builder *b, int fd)
{
	uint32_t nr = below(b, below(b, 4) ? 8 : 100);
	struct vt_list list = { .nr = below(b, 8) ? nr + 1 : below(b, 100), .reverse = below(b, 2) };

	for (uint32_t i = 0; i < nr; i++) {
		struct vt_node n = { .next = list.head, .salt = i };

		n.data = random_data(b, &n.op, &n.len);
		list.head = word(ARENA + put(b, &n, sizeof(n)));
	}
	return call(fd, VT_LIST, ARENA + put(b, &list, sizeof(list)));
}

static unsigned long random_vecs(struct builder *b, uint32_t nr)
{
	struct iovec iov[20];
	uint32_t op, len;

	for (uint32_t i = 0; i < nr; i++) {
		iov[i].iov_base = (void *)random_data(b, &op, &len);
		iov[i].iov_len = len;
	}
	return word(ARENA + put(b, iov, nr * sizeof(iov[0])));
}

static long random_iovecs(struct builder *b, int fd)
{
	struct vt_vecs vecs = { .nr_in = below(b, 20), .nr_out = below(b, 20), .salt = b->r };

	vecs.in = random_vecs(b, vecs.nr_in);
	vecs.out = random_vecs(b, vecs.nr_out);
	return call(fd, VT_VECS, ARENA + put(b, &vecs, sizeof(vecs)));
}

static unsigned long random_tree(struct builder *b, uint32_t depth)
{
	unsigned long children[4];
	struct vt_tree t = { .salt = b->r };

	if (!b->nodes || depth > VT_MAX_DEPTH)
		return 0;
	b->nodes--;
	t.data = random_data(b, &t.op, &t.len);
	t.nr = below(b, 5);
	for (uint32_t i = 0; i < t.nr; i++)
		children[i] = random_tree(b, depth + 1);
	t.children = word(ARENA + put(b, children, t.nr * sizeof(children[0])));
	return word(ARENA + put(b, &t, sizeof(t)));
}

static long random_call(struct builder *b, int fd)
{
	b->at = PAGE + below(b, 10 * PAGE);
	b->data_len = 0;
	switch (below(b, 12)) {
	case 0: return call_int(fd, VT_INT, next_random(&b->r));
	case 1: return random_flat(b, fd);
	case 2: return random_deep(b, fd);
	case 3: case 4: return random_list(b, fd);
	case 5: case 6: return random_iovecs(b, fd);
	case 7: case 8:
		b->nodes = below(b, 30);
		return call(fd, VT_TREE, (void *)random_tree(b, 0));
	default: return random_one(b, fd);
	}
}

static void make_arena(void)
{
	if (mmap(ARENA, ARENA_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != ARENA)
		fail("no memory at %p", (void *)ARENA);
	fill(ARENA, ARENA_SIZE, 1);
	mprotect(ARENA + READ_ONLY_PAGE * PAGE, PAGE, PROT_READ);
	munmap(ARENA + (READ_ONLY_PAGE + 1) * PAGE, PAGE);
}

void random_calls(uint32_t seed, long count, bool each)
{
	struct builder b = { .r = seed * 2654435761u | 1 };
	uint32_t all = 0, sum, ok = 0, faults = 0;
	int fd = open_node(0);
	long ret;

	make_arena();
	for (long i = 0; i < count; i++) {
		ret = random_call(&b, fd);
		sum = digest(ARENA, (READ_ONLY_PAGE + 1) * PAGE);
		all = all * 31 + sum + ret;
		ok += ret >= 0;
		faults += ret == -14;
		if (each)
			say("%ld: %ld %08x", i, ret, sum);
		/* So that a difference is found near to where it began. */
		if (i % 100 == 99 || i == count - 1)
			say("%ld calls, seed %u: %08x, %u well, %u EFAULT", i + 1, seed, all, ok,
			    faults);
	}
	close(fd);
}

/* ---- threads and processes, neighbours in the same pages ---- */

#define CELL 200	/* bytes of each; no divisor of a page */

static unsigned char *cells;
static int shared_fd;
static long nr_rounds;

/* The cell of one thread depends on nothing but its number and the rounds. */
static void *work(void *arg)
{
	size_t i = (size_t)arg;
	unsigned char *cell = cells + i * CELL;
	struct vt_data data;
	struct vt_deep deep;
	struct vt_mid mid;
	uint32_t sum = 0;
	long ret;

	for (long n = 0; n < nr_rounds; n++) {
		data = data_at(cell + 20, (n + i) % 2 ? VT_OP_INOUT : VT_OP_SOME,
			       CELL - 40 - n % 30, n);
		/* Before and behind what the driver changes. */
		memset(cell, n, 20);
		memset(cell + CELL - 20, n + 1, 20);
		mid = (struct vt_mid){ .leaf = word(&data), .salt = n };
		deep = (struct vt_deep){ .mid = word(&mid), .salt = i };
		if (n % 3)
			ret = call(shared_fd, VT_DATA, &data);
		else
			ret = call(shared_fd, VT_DEEP, &deep);
		sum = sum * 31 + data.result + ret + digest(cell, CELL);
	}
	return (void *)(uintptr_t)sum;
}

static void in_threads(int n)
{
	pthread_t *t = calloc(n, sizeof(*t));
	void *sum;

	for (int i = 0; i < n; i++)
		if (pthread_create(&t[i], NULL, work, (void *)(size_t)i))
			fail("pthread_create");
	for (int i = 0; i < n; i++) {
		pthread_join(t[i], &sum);
		say("thread %d: %08x", i, (uint32_t)(uintptr_t)sum);
	}
	say("cells: %08x", digest(cells, (size_t)n * CELL));
	free(t);
}

static void in_processes(int n)
{
	uint32_t *sums = mmap(NULL, n * sizeof(*sums), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	fflush(stdout);
	for (int i = 0; i < n; i++) {
		if (fork())
			continue;
		sums[i] = (uintptr_t)work((void *)(size_t)i);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < n; i++)
		say("process %d: %08x", i, sums[i]);
	say("cells: %08x", digest(cells, (size_t)n * CELL));
}

void threads(int n, long rounds)
{
	size_t size = (size_t)n * CELL;

	nr_rounds = rounds;
	shared_fd = open_node(0);
	cells = pages(size, PROT_READ | PROT_WRITE);
	in_threads(n);
	cells = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	in_processes(n);
}
