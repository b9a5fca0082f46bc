// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-judge.c - SCSI commands are judged where the driver finds them.
 *
 * The driver is a terminal's: the policy says that the first byte of its window
 * size, or what the first word of it points to, is an opcode.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "tests/unit/calls-fixture.h"

#define GOOD	0x12
#define BAD	0x3b

static struct pty judged(struct fixture *f, unsigned int pointer_size)
{
	policy.nr_cdbs = 1;
	policy.cdb[0] = (struct policy_cdb){ .number = TIOCSWINSZ };
	policy.cdb[0].place[0].pointer_size = pointer_size;
	policy.cdb[0].place[1].pointer_size = pointer_size / 2;
	policy.nr_commands = 1;
	policy.command[0] = (struct policy_command){
		.number = TIOCSWINSZ, .mask = ~0u, .allow = 1,
	};
	policy.any = 0;
	policy.scsi[GOOD].allow = 1;
	connect_calls(f);
	return pty_new(f);
}

static unsigned int denied(struct fixture *f)
{
	return the_device(f)->counters.denied;
}

static unsigned int rows(const struct pty *p)
{
	struct winsize size;

	assert_int_equal(ioctl(p->master, TIOCGWINSZ, &size), 0);
	return size.ws_row;
}

static void in_the_structure(void **state)
{
	struct fixture *f = *state;
	struct pty p = judged(f, 0);
	struct conv *c;

	mem_new(ADDR, 1)[0] = GOOD;
	assert_int_equal(do_ioctl(f, p.handle, TIOCSWINSZ, ADDR), 0);
	assert_int_equal(rows(&p), GOOD);
	mem(ADDR)[0] = BAD;
	/* It is not sent along: asked for, and then refused without any native call. */
	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCSWINSZ, ADDR);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), -VSYS_EPERM);
	assert_int_equal(c->needs, 1);
	assert_int_equal(the_device(f)->counters.faults, 0);
	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCSWINSZ, ADDR);
	conv_page(f, c, ADDR);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), -VSYS_EPERM);
	assert_int_equal(c->round_trips, 1);
	assert_int_equal(denied(f), 2);
	assert_int_equal(rows(&p), GOOD);
	pty_close(&p);
}

static void behind_a_pointer(void **state)
{
	struct fixture *f = *state;
	struct pty p = judged(f, 8);
	/* Across a page, and another one far away. */
	const uint64_t arg = ADDR + 4096 - 4, low = 0x20000;
	uint64_t cdb = ADDR + 0x10000 + 4095;

	mem_new(ADDR, 2);
	mem_new(ADDR + 0x10000, 1);
	memcpy(mem(arg), &cdb, 4);
	memcpy(mem(arg + 4), (char *)&cdb + 4, 4);
	*mem(cdb) = GOOD;
	assert_int_equal(do_ioctl(f, p.handle, TIOCSWINSZ, arg), 0);
	*mem(cdb) = BAD;
	assert_int_equal(do_ioctl(f, p.handle, TIOCSWINSZ, arg), -VSYS_EPERM);
	assert_int_equal(denied(f), 1);
	/* There is nothing: the driver would say so, and does. */
	mem_gone(cdb);
	assert_int_equal(do_ioctl(f, p.handle, TIOCSWINSZ, arg), 0);
	/* What an executor has for itself is no place for a CDB. */
	memcpy(mem(arg), &low, 4);
	memset(mem(arg + 4), 0, 4);
	assert_int_equal(do_ioctl(f, p.handle, TIOCSWINSZ, arg), -VSYS_EFAULT);
	pty_close(&p);
}

/* What was judged is what the driver gets, whatever is sent after that. */
static void changed_after_that(void **state)
{
	struct fixture *f = *state;
	struct pty p = judged(f, 0);
	const uint64_t arg = ADDR + 4096 - 4;
	struct conv *c;

	mem_new(ADDR, 2);
	*mem(arg) = GOOD;
	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCSWINSZ, arg);
	c->hold = true;
	conv_page(f, c, ADDR);
	conv_send(f, c);
	TALK(f, c->parked);
	assert_int_equal(c->nr_need, 1);
	assert_int_equal(c->need[0].addr & ~4095ull, ADDR + 4096);
	*mem(arg) = BAD;
	/* Both pages come now. */
	c->need[1] = c->need[0];
	c->need[1].addr = ADDR;
	c->nr_need = 2;
	c->hold = false;
	assert_int_equal(conv_end(f, c), 0);
	assert_int_equal(rows(&p), GOOD);
	pty_close(&p);
}

/* A guest that never says what it has. */
static void no_answer(void **state)
{
	struct fixture *f = *state;
	struct pty p = judged(f, 0);
	struct conv *c;
	int i;

	mem_new(ADDR, 1);
	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCSWINSZ, ADDR);
	c->hold = true;
	conv_send(f, c);
	for (i = 0; i < 20 && !c->ended; i++) {
		TALK(f, c->parked || c->ended);
		if (c->ended)
			break;
		c->nr_need = 0;
		conv_continue(f, c);
	}
	assert_true(i > 3 && i < 20);
	assert_int_equal(c->status, -VSYS_EFAULT);
	pty_close(&p);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, calls_setup, calls_teardown)
	const struct CMUnitTest tests[] = {
		T(in_the_structure), T(behind_a_pointer), T(changed_after_that), T(no_answer),
	};

	if (!calls_can_run())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
