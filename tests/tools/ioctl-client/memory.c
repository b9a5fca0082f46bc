// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that follow pointers while they run: values, sizes, shapes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "client.h"

static const char *const op_names[] = {
	"in", "out", "inout", "some", "string", "clear", "backward", "nothing",
};

void test_basic(void)
{
	static const unsigned long values[] = { 0, 1, 4096, 0x400000, 0x7fffffff, 0xffffffff };
	struct vt_flat flat;
	int fd = open_node(0), other = open_node(0);

	for (int i = 0; i < 3; i++)
		show(call_int(fd, VT_NONE, 0), "none");
	show(call_int(other, VT_NONE, 0), "none, another open file");
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		show(call_int(fd, VT_INT, values[i]), "int %#lx", values[i]);
	for (int i = 0; i < 3; i++) {
		fill(&flat, sizeof(flat), i);
		show(call(fd, VT_FLAT, &flat), "flat");
		say("  %08x", digest(&flat, sizeof(flat)));
		show(call(fd, VT_OLD, &flat), "a number that encodes no size");
		say("  %08x", digest(&flat, sizeof(flat)));
	}
	show(call(fd, 0x5a78, &flat), "an unknown number");
	show(call(fd, 0, &flat), "command 0");
	show(call(fd, 0xffffffff, &flat), "command 0xffffffff");
	show(call(fd, VT_FLAT + (1 << _IOC_SIZESHIFT), &flat), "another size");
	show(call(fd, VT_FLAT & ~(_IOC_DIRMASK << _IOC_DIRSHIFT), &flat), "no direction");
	close(other);
	show(call(other, VT_FLAT, &flat), "closed");
	close(fd);
}

/* One piece of data in the middle of memory that nothing else may change. */
static void one_size(int fd, unsigned char *buf, size_t room, uint32_t op, size_t at,
		     uint32_t len)
{
	struct vt_data data = data_at(buf + at, op, len, len + at);
	long ret;

	fill(buf, room, op + len);
	if ((op & 0xff) == VT_OP_STRING) {
		memset(buf + at, 'x', len);
		buf[at + len - 1] = 0;
	}
	ret = call(fd, VT_DATA, &data);
	show(ret, "%s%s %u at %zu", op_names[op & 0xff], op & VT_OP_CHUNKED ? " chunked" : "",
	     len, at);
	say("  %08x %08x", data.result, digest(buf, room));
}

void test_sizes(void)
{
	static const uint32_t lens[] = {
		1, 2, 7, 64, 4095, 4096, 4097, 12288, 65537, 1 << 20, (4 << 20) - 3, 4 << 20,
	};
	static const size_t ats[] = { 64, 65, 71, 4095, 4096 + 4090, 8192 };
	size_t room = (4 << 20) + 5 * PAGE;
	unsigned char *buf = pages(room, PROT_READ | PROT_WRITE);
	int fd = open_node(0);

	for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++)
		for (size_t a = 0; a < sizeof(ats) / sizeof(ats[0]); a++)
			for (uint32_t op = 0; op < VT_OP_LIMIT; op++) {
				size_t used = lens[l] + 4 * PAGE;

				/* What is slow once is enough. */
				if (lens[l] > 20000 && (a != 4 || op == VT_OP_STRING ||
							op == VT_OP_BACKWARD))
					continue;
				one_size(fd, buf, used, op, ats[a], lens[l]);
				if (op <= VT_OP_INOUT && lens[l] > 4096)
					one_size(fd, buf, used, op | VT_OP_CHUNKED, ats[a], lens[l]);
			}
	one_size(fd, buf, 3 * PAGE, VT_OP_INOUT, 100, 0);
	one_size(fd, buf, 3 * PAGE, VT_OP_LIMIT - 1, 100, 100);
	one_size(fd, buf, 3 * PAGE, VT_OP_CLEAR, 100, 9000);
	munmap(buf, room);
	close(fd);
}

static void deep(int fd)
{
	static unsigned char buf[100];
	struct vt_data *leaf = pages(PAGE, PROT_READ | PROT_WRITE);
	struct vt_mid *mid = pages(PAGE, PROT_READ | PROT_WRITE);
	struct vt_deep top;

	for (int i = 0; i < 3; i++) {
		fill(buf, sizeof(buf), i);
		*leaf = data_at(buf, VT_OP_INOUT, sizeof(buf) - i, i);
		*mid = (struct vt_mid){ .before = word(&top), .leaf = word(leaf), .salt = i };
		top = (struct vt_deep){ .mid = word(mid), .salt = 77 };
		show(call(fd, VT_DEEP, &top), "three deep");
		say("  %08x %08x %08x %08x", top.result, mid->result, leaf->result,
		    digest(buf, sizeof(buf)));
	}
	mid->leaf = 8;
	top.result = mid->result = 5;
	show(call(fd, VT_DEEP, &top), "the third one bad");
	say("  %u %u", top.result, mid->result);
	top.mid = word(&top);
	mid->leaf = word(&top);
	show(call(fd, VT_DEEP, &top), "pointing to itself");
	munmap(leaf, PAGE);
	munmap(mid, PAGE);
}

/* Nodes at odd places, in an order that is not that of memory. */
static void list(int fd, uint32_t nr, bool reverse)
{
	size_t step = sizeof(struct vt_node) + 61, room = step * nr + PAGE;
	unsigned char *buf = pages(room, PROT_READ | PROT_WRITE);
	struct vt_node n;
	struct vt_list arg = { .nr = nr + 1, .reverse = reverse };
	unsigned long first = 0;
	uint32_t sum = 0;
	uint32_t i, k;

	for (i = 0; i < nr; i++) {
		k = i * 7919 % nr;
		fill(buf + k * step + sizeof(n), 61, i);
		n = (struct vt_node){
			.next = first, .data = word(buf + k * step + sizeof(n) + 3),
			.op = i % 3, .len = i % 50, .salt = i,
		};
		memcpy(buf + k * step, &n, sizeof(n));
		first = word(buf + k * step);
	}
	arg.head = first;
	show(call(fd, VT_LIST, &arg), "list of %u%s", nr, reverse ? ", turned round" : "");
	say("  %08x", arg.result);
	/* Pointers as offsets, since memory is elsewhere each time. */
	for (first = arg.head, i = 0; first && i < nr; first = n.next, i++) {
		memcpy(&n, (void *)first, sizeof(n));
		sum = sum * 31 + n.result + (first - word(buf)) +
		      digest((void *)n.data, n.len);
	}
	say("  %u %08x", i, sum);
	munmap(buf, room);
}

static void bad_lists(int fd)
{
	struct vt_node n[3] = {};
	struct vt_list arg = { .head = word(&n[0]), .nr = 100 };
	unsigned char buf[64];

	for (int i = 0; i < 3; i++) {
		n[i].next = word(&n[(i + 1) % 3]);
		n[i].data = word(buf);
		n[i].op = VT_OP_INOUT;
		n[i].len = sizeof(buf);
	}
	fill(buf, sizeof(buf), 3);
	show(call(fd, VT_LIST, &arg), "a ring");
	say("  %08x %08x", arg.result, digest(buf, sizeof(buf)));
	n[1].next = ~0ul - 4;
	show(call(fd, VT_LIST, &arg), "a bad end");
	say("  %08x %08x", arg.result, digest(buf, sizeof(buf)));
	n[1].data = 3;
	show(call(fd, VT_LIST, &arg), "bad data");
	say("  %08x %08x", n[0].result, digest(buf, sizeof(buf)));
}

static void vecs(int fd, uint32_t nr_in, uint32_t nr_out, size_t each)
{
	size_t room = (nr_in + nr_out + 2) * (each + 100);
	unsigned char *buf = pages(room, PROT_READ | PROT_WRITE);
	struct iovec *in = calloc(nr_in + 1, sizeof(*in)), *out = calloc(nr_out + 1, sizeof(*out));
	struct vt_vecs arg = {
		.in = word(in), .out = word(out), .nr_in = nr_in, .nr_out = nr_out, .salt = 9,
	};
	size_t at = 5;

	fill(buf, room, each);
	for (uint32_t i = 0; i < nr_in || i < nr_out; i++) {
		if (i < nr_in) {
			in[i] = (struct iovec){ buf + at, each - i % 3 };
			at += each + i % 17;
		}
		if (i < nr_out) {
			out[i] = (struct iovec){ buf + at, i % 5 ? each - i % 2 : 0 };
			at += each + i % 23;
		}
	}
	show(call(fd, VT_VECS, &arg), "%u iovecs to %u, of %zu", nr_in, nr_out, each);
	say("  %08x %08x", arg.result, digest(buf, room));
	if (nr_in > 1 && nr_out > 1) {
		out[1].iov_base = in[1].iov_base;
		show(call(fd, VT_VECS, &arg), "overlapping");
		say("  %08x %08x", arg.result, digest(buf, room));
		in[1].iov_base = (void *)16;
		show(call(fd, VT_VECS, &arg), "a bad one");
		say("  %08x", digest(buf, room));
	}
	free(in);
	free(out);
	munmap(buf, room);
}

static void tree(int fd, uint32_t fan, uint32_t depth)
{
	uint32_t nr = 1, level = 1;
	struct vt_tree *t;
	unsigned long *children;
	unsigned char *buf;

	for (uint32_t d = 1; d < depth; d++)
		nr += level *= fan;
	t = calloc(nr, sizeof(*t));
	children = calloc(nr * fan, sizeof(*children));
	buf = pages(nr * 300, PROT_READ | PROT_WRITE);
	fill(buf, nr * 300, fan);
	for (uint32_t i = 0; i < nr; i++) {
		t[i] = (struct vt_tree){
			.data = word(buf + i * 300), .children = word(children + i * fan),
			.op = i % VT_OP_STRING, .len = i * 37 % 300, .salt = i, .nr = fan,
		};
		for (uint32_t c = 0; c < fan; c++)
			if (i * fan + c + 1 < nr)
				children[i * fan + c] = word(&t[i * fan + c + 1]);
	}
	show(call(fd, VT_TREE, t), "tree of %u, %u deep", nr, depth);
	for (uint32_t i = 0; i < nr; i++)
		level = level * 31 + t[i].result;
	say("  %08x %08x", level, digest(buf, nr * 300));
	munmap(buf, nr * 300);
	free(t);
	free(children);
}

/* The same memory by several ways. */
static void overlaps(int fd)
{
	struct { struct vt_data a; unsigned char rest[200]; } s;

	fill(&s, sizeof(s), 1);
	s.a = data_at(&s.a.salt, VT_OP_INOUT, 4, 5);
	show(call(fd, VT_DATA, &s.a), "an argument that is its own data");
	say("  %08x %08x", s.a.salt, s.a.result);
	s.a = data_at(s.rest, VT_OP_INOUT, sizeof(s.rest), 5);
	show(call(fd, VT_DATA, &s.a), "data behind its argument");
	say("  %08x %08x", s.a.result, digest(s.rest, sizeof(s.rest)));
	s.a = data_at(s.rest, VT_OP_INOUT, sizeof(s.rest), 6);
	show(call(fd, VT_DATA_RET, &s.a), "... the result as return value");
	say("  %08x %08x", s.a.result, digest(s.rest, sizeof(s.rest)));
	s.a = data_at(s.rest, VT_OP_SOME, sizeof(s.rest), 6);
	show(call(fd, VT_LIE, &s.a), "a command that hides its pointer");
	say("  %08x %08x", s.a.result, digest(s.rest, sizeof(s.rest)));
}

void test_shapes(void)
{
	int fd = open_node(0);

	deep(fd);
	list(fd, 1, false);
	list(fd, 2, true);
	list(fd, 100, false);
	list(fd, 100, true);
	list(fd, 1000, true);
	bad_lists(fd);
	vecs(fd, 0, 0, 10);
	vecs(fd, 1, 1, 100);
	vecs(fd, 4, 3, 5000);
	vecs(fd, 1000, 900, 7);
	vecs(fd, 1024, 1024, 3);
	vecs(fd, 1025, 1, 3);
	vecs(fd, 3, 4, 300000);
	tree(fd, 1, 1);
	tree(fd, 2, 4);
	tree(fd, 4, 4);
	tree(fd, 1, 8);
	tree(fd, 1, 9);
	tree(fd, 2, 9);
	overlaps(fd);
	close(fd);
}
