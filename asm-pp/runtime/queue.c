// SPDX-License-Identifier: GPL-2.0
/*
 * queue.c - the batch queue (outputs) and the input queue (values read ahead).
 *
 * Three things save a batch that would be waited for: a value that cannot have
 * changed (VPIO_KEPT); a value that came with an earlier one, since the driver
 * read the two together before (only VPIO_PURE ports, only until the next
 * output or tick, not later than VPIO_AGE_NS, each value once); and a poll of a VPIO_PURE port, that the
 * sink goes on with until the value changes.
 */
#include "queue.h"

static const u32 all_ones[] = { 0xff, 0xffff, 0xffffffff };

static unsigned int flags_of(const struct vpio_queue *q, u16 port, u32 *bits)
{
	u16 offset = port - q->first;
	unsigned int i;

	for (i = 0; i < q->rules; i++) {
		const struct vpio_rule *rule = &q->rule[i];

		if (offset < rule->first || offset > rule->last)
			continue;
		*bits = rule->bits;
		return rule->flags;
	}
	*bits = 0;
	return 0;
}

static bool is_pure(const struct vpio_queue *q, u16 port, unsigned int width)
{
	unsigned int i;
	u32 bits;

	for (i = 0; i < 1u << width; i++)
		if (!(flags_of(q, port + i, &bits) & VPIO_PURE))
			return false;
	return true;
}

int vpio_queue_init(struct vpio_queue *q, u16 first, u16 last, const struct vpio_sink *sink,
		    void *data, const struct vpio_rule *rule, unsigned int rules,
		    unsigned int threshold)
{
	unsigned int i;

	if (first > last || last - first >= VPIO_PORTS || !sink || !threshold ||
	    threshold > VPIO_RECORDS - VPIO_AHEAD - 1)
		return -EINVAL;
	for (i = 0; i < rules; i++)
		if (rule[i].first > rule[i].last || rule[i].last > last - first)
			return -EINVAL;
	memset(q, 0, sizeof(*q));
	q->first = first;
	q->last = last;
	q->sink = sink;
	q->data = data;
	q->rule = rule;
	q->rules = rules;
	q->threshold = threshold;
	return 0;
}

static void forget_inputs(struct vpio_queue *q)
{
	q->inputs = 0;
	q->repeated = false;
	q->same = false;
}

/* Hands over what is there; false: the device is gone. */
static bool carry_out(struct vpio_queue *q, bool wait)
{
	if (!q->nr)
		return !q->gone;
	if (!q->gone) {
		q->stats.batches++;
		q->stats.waits += wait;
		q->stats.records += q->nr;
		if (q->sink->carry_out(q->data, q->rec, q->nr, q->bytes, q->used, wait))
			q->gone = true;
	}
	if (q->gone)
		q->stats.lost += q->nr;
	q->nr = 0;
	q->used = 0;
	return !q->gone;
}

void vpio_queue_flush(struct vpio_queue *q)
{
	carry_out(q, false);
}

void vpio_queue_tick(struct vpio_queue *q)
{
	carry_out(q, false);
	forget_inputs(q);
}

static struct vpio_rec *add(struct vpio_queue *q, u8 op, u16 port, unsigned int width, u32 value)
{
	struct vpio_rec *rec = &q->rec[q->nr++];

	rec->op = op;
	rec->port = port;
	rec->width = width;
	rec->value = value;
	rec->count = 1;
	rec->mask = 0;
	return rec;
}

/* A value of several ports makes that of each unknown. */
static void forget_kept(struct vpio_queue *q, u16 port, unsigned int width)
{
	int low = port - q->first - 3, high = port - q->first + (1 << width) - 1, i;

	for (i = low < 0 ? 0 : low; i <= high && i < VPIO_PORTS; i++)
		if (q->kept_width[i] && i + (1 << (q->kept_width[i] - 1)) > port - q->first)
			q->kept_width[i] = 0;
}

static void keep(struct vpio_queue *q, u16 port, unsigned int width, u32 value)
{
	u16 offset = port - q->first;
	u32 bits;

	forget_kept(q, port, width);
	if (!(flags_of(q, port, &bits) & VPIO_KEPT))
		return;
	q->kept_width[offset] = width + 1;
	q->kept[offset] = value;
}

void vpio_queue_out(struct vpio_queue *q, u16 port, unsigned int width, u32 value)
{
	u32 bits;
	bool rings = flags_of(q, port, &bits) & VPIO_DOORBELL && (!bits || value & bits);

	q->stats.outs++;
	add(q, VPIO_REC_OUT, port, width, value);
	keep(q, port, width, value);
	forget_inputs(q);
	if (rings || q->nr >= q->threshold)
		carry_out(q, false);
}

/* One that was read ahead; in the order in which they were, others go. */
static bool take_ahead(struct vpio_queue *q, u16 port, unsigned int width, u32 *value)
{
	while (q->inputs) {
		struct vpio_input *input = &q->input[q->input_head];

		q->input_head = (q->input_head + 1) % VPIO_INPUTS;
		q->inputs--;
		if (input->port != port || input->width != width)
			continue;
		*value = input->value;
		return true;
	}
	return false;
}

/* What the driver read after this port the last time, and after that. */
static unsigned int add_ahead(struct vpio_queue *q, u16 port, unsigned int width)
{
	unsigned int n = 0;
	u16 next;

	while (n < VPIO_AHEAD && (next = q->follows[port - q->first])) {
		port = q->first + next - 1;
		if (!is_pure(q, port, width))
			break;
		add(q, VPIO_REC_IN, port, width, 0);
		n++;
	}
	return n;
}

/* Two inputs one after the other: the second may come with the first. */
static void learn(struct vpio_queue *q, u16 port, unsigned int width)
{
	u16 *follows;

	if (!q->repeated)
		return;
	follows = &q->follows[q->last_port - q->first];
	if (port == q->last_port || width != q->last_width || !is_pure(q, port, width))
		*follows = 0;
	else
		*follows = port - q->first + 1;
}

static u32 remember(struct vpio_queue *q, u16 port, unsigned int width, u32 value)
{
	q->same = q->repeated && q->last_port == port && q->last_width == width &&
		  q->last_value == value;
	q->repeated = true;
	q->last_port = port;
	q->last_width = width;
	q->last_value = value;
	q->last_time = vpio_clock();
	return value;
}

u32 vpio_queue_in(struct vpio_queue *q, u16 port, unsigned int width)
{
	u16 offset = port - q->first;
	struct vpio_rec *rec;
	unsigned int at, ahead = 0, i;
	bool polls;
	u32 value;

	q->stats.ins++;
	if (q->gone)
		return all_ones[width];
	if (q->kept_width[offset] == width + 1) {
		q->stats.known++;
		return q->kept[offset];
	}
	if (q->repeated && vpio_clock() - q->last_time > VPIO_AGE_NS)
		forget_inputs(q);
	polls = q->repeated && q->same && q->last_port == port && q->last_width == width &&
		is_pure(q, port, width);
	if (take_ahead(q, port, width, &value)) {
		q->stats.ahead++;
		return remember(q, port, width, value);
	}
	learn(q, port, width);
	at = q->nr;
	rec = add(q, polls ? VPIO_REC_CHANGE : VPIO_REC_IN, port, width, 0);
	if (polls) {
		/* It said the same twice, and is asked again: until it does not. */
		rec->value = q->last_value;
		rec->mask = all_ones[width];
		rec->count = VPIO_POLL_READS;
		q->stats.changes++;
	} else {
		ahead = add_ahead(q, port, width);
	}
	if (!carry_out(q, true)) {
		forget_inputs(q);
		return all_ones[width];
	}
	q->input_head = 0;
	q->inputs = ahead;
	for (i = 0; i < ahead; i++) {
		rec = &q->rec[at + 1 + i];
		q->input[i].port = rec->port;
		q->input[i].width = rec->width;
		q->input[i].value = rec->value & all_ones[width];
	}
	value = q->rec[at].value & all_ones[width];
	/* What a port kept once, it keeps on. */
	keep(q, port, width, value);
	return remember(q, port, width, value);
}

/* So many values fit into one record. */
static u64 block_count(const struct vpio_queue *q, unsigned int width, u64 count)
{
	u64 room = (VPIO_BYTES - q->used) >> width;

	return count < room ? count : room;
}

/* From ascending places to the order of the accesses, or back: once each. */
static void copy_block(u8 *to, const u8 *from, u64 count, unsigned int width, int to_step,
		       int from_step)
{
	unsigned int size = 1u << width;

	if (to_step > 0 && from_step > 0) {
		memcpy(to, from, count << width);
		return;
	}
	for (; count--; to += to_step * (int)size, from += from_step * (int)size)
		memcpy(to, from, size);
}

void vpio_queue_outs(struct vpio_queue *q, u16 port, unsigned int width, const void *buffer,
		     u64 count, int step)
{
	const u8 *from = buffer;
	u32 bits;
	bool rings = flags_of(q, port, &bits) & VPIO_DOORBELL && !bits;

	q->stats.outs++;
	forget_kept(q, port, width);
	forget_inputs(q);
	while (count) {
		u64 n = block_count(q, width, count);

		if (!n) {
			carry_out(q, false);
			continue;
		}
		add(q, VPIO_REC_OUTS, port, width, q->used)->count = n;
		copy_block(q->bytes + q->used, from, n, width, 1, step);
		/* Blocks start at whole values. */
		q->used += ((n << width) + 3) & ~3u;
		if (q->used > VPIO_BYTES)
			q->used = VPIO_BYTES;
		from += step * (long)(n << width);
		count -= n;
		if (q->nr >= q->threshold)
			carry_out(q, false);
	}
	if (rings)
		carry_out(q, false);
}

void vpio_queue_ins(struct vpio_queue *q, u16 port, unsigned int width, void *buffer, u64 count,
		    int step)
{
	u8 *to = buffer;

	q->stats.ins++;
	forget_inputs(q);
	while (count) {
		u64 n = block_count(q, width, count);
		unsigned int at = q->used;

		if (!n) {
			carry_out(q, false);
			continue;
		}
		add(q, VPIO_REC_INS, port, width, at)->count = n;
		q->used += n << width;
		if (!carry_out(q, true))
			memset(q->bytes + at, 0xff, n << width);
		copy_block(to, q->bytes + at, n, width, step, 1);
		to += step * (long)(n << width);
		count -= n;
	}
}
