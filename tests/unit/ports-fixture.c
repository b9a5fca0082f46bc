// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ports-fixture.c - port executors in threads; see ports-fixture.h.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/ports-fixture.h"
#include "tests/unit/worker-fixture.h"

_Thread_local struct card *the_card;
_Thread_local void *the_own;

static void note(uint16_t port, unsigned int width, uint32_t value)
{
	struct card *c = the_card;

	c->hash = (c->hash ^ port ^ (uint64_t)width << 16 ^ (uint64_t)value << 24) *
		  UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	c->accesses++;
	c->now += c->step;
}

/* Few values, so that polls end and time out. */
static uint32_t card_in(uint16_t port, unsigned int width)
{
	note(port, width, 0);
	return (the_card->accesses >> (port & 7) & 3) * 0x01010101u >> (32 - (8 << width));
}

static void card_out(uint16_t port, unsigned int width, uint32_t value)
{
	note(port, width, ~value);
}

static void card_ins(uint16_t port, unsigned int width, uint8_t *to, uint32_t count)
{
	for (; count--; to += 1 << width) {
		uint32_t value = card_in(port, width);

		memcpy(to, &value, 1 << width);
	}
}

static void card_outs(uint16_t port, unsigned int width, const uint8_t *from, uint32_t count)
{
	for (; count--; from += 1 << width) {
		uint32_t value = 0;

		memcpy(&value, from, 1 << width);
		card_out(port, width, value);
	}
}

static uint64_t card_now(void)
{
	return the_card->now;
}

const struct port_device card_device = {
	.in = card_in, .out = card_out, .ins = card_ins, .outs = card_outs, .now = card_now,
};

static void *serve(void *arg)
{
	struct port_executor *x = arg;

	the_card = &x->card;
	the_own = x->own;
	x->result = ports_serve(x->fd, x->first, x->last, x->device);
	shutdown(x->fd, SHUT_RDWR);
	return NULL;
}

void port_executor_start(struct port_executor *x, uint16_t first, uint16_t last,
			 const struct port_device *device, void *own)
{
	int pair[2];

	memset(x, 0, sizeof(*x));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	x->fd = pair[0];
	x->worker_fd = pair[1];
	x->first = first;
	x->last = last;
	x->device = device;
	x->own = own;
	x->card.now = 1;
	assert_int_equal(pthread_create(&x->thread, NULL, serve, x), 0);
}

void port_executor_join(struct port_executor *x)
{
	close(x->worker_fd);
	pthread_join(x->thread, NULL);
	close(x->fd);
}
