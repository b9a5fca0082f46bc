// SPDX-License-Identifier: GPL-2.0
/*
 * queue.c - the batch queue (outputs) and the input queue (values read ahead).
 *
 * What saves a batch that would be waited for: a value that cannot have changed
 * (VPIO_KEPT); a value that came with an earlier one, since the driver read the
 * two together before (only VPIO_PURE ports, only until the next output or tick,
 * not later than VPIO_AGE_NS, each value once); bits that are bound to come,
 * which the sink waits for (VPIO_AWAITED); and a poll of a VPIO_PURE port, that
 * the sink goes on with until the value changes.
 */
#include "queue.h"

static const u32 all_ones[] = { 0xff, 0xffff, 0xffffffff };
static const struct vpio_rule no_rule;

static const struct vpio_rule *rule_of(const struct vpio_queue *q, u16 port)
{
	u16 offset = port - q->first;
	unsigned int i;

	for (i = 0; i < q->rules; i++) {
		const struct vpio_rule *rule = &q->rule[i];

		if (offset >= rule->first && offset <= rule->last &&
		    (!rule->bank || rule->bank == q->bank))
			return rule;
	}
	return &no_rule;
}

static bool is_pure(const struct vpio_queue *q, u16 port, unsigned int width)
{
	unsigned int i;

	for (i = 0; i < 1u << width; i++)
		if (!(rule_of(q, port + i)->flags & VPIO_PURE))
			return false;
	return true;
}

static bool rule_is_right(const struct vpio_rule *rule, unsigned int ports)
{
	if (rule->first > rule->last || rule->last >= ports || rule->after >= ports ||
	    rule->bank > VPIO_BANKS)
		return false;
	/* The bank's own port is the same in all banks, and not a block. */
	if (rule->flags & VPIO_SELECTS)
		return !rule->bank && rule->first == rule->last && rule->selects;
	return true;
}

int vpio_queue_init(struct vpio_queue *q, u16 first, u16 last, const struct vpio_sink *sink,
		    void *data, const struct vpio_rule *rule, unsigned int rules,
		    unsigned int threshold)
{
	unsigned int i;

	if (first > last || last - first >= VPIO_PORTS || !sink || !threshold ||
	    threshold > VPIO_RECORDS - VPIO_AHEAD - 2)
		return -EINVAL;
	for (i = 0; i < rules; i++)
		if (!rule_is_right(&rule[i], last - first + 1))
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
	q->awaited = NULL;
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

/* Ports that have no bank are those of the first. */
static unsigned int bank_of(const struct vpio_queue *q, const struct vpio_rule *rule)
{
	return rule->bank ? q->bank - 1 : 0;
}

/* A value of several ports makes that of each unknown. */
static void forget_kept(struct vpio_queue *q, u16 port, unsigned int width)
{
	int low = port - q->first - 3, high = port - q->first + (1 << width) - 1, i, bank;

	for (bank = 0; bank < VPIO_BANKS; bank++) {
		u8 *kept_width = q->kept_width[bank];

		/* Another bank's registers are others. */
		if (q->bank && bank && bank != q->bank - 1)
			continue;
		for (i = low < 0 ? 0 : low; i <= high && i < VPIO_PORTS; i++)
			if (kept_width[i] && i + (1 << (kept_width[i] - 1)) > port - q->first)
				kept_width[i] = 0;
	}
}

static void forget_all(struct vpio_queue *q)
{
	memset(q->kept_width, 0, sizeof(q->kept_width));
	q->bank = 0;
	forget_inputs(q);
}

/*
 * A port was written (or said) this.  Bits that the device clears make it
 * unknown; it is known again when an input finds them clear, and stays so until
 * they are written again.
 */
static void keep(struct vpio_queue *q, u16 port, unsigned int width, u32 value, bool said)
{
	const struct vpio_rule *rule = rule_of(q, port);
	u16 offset = port - q->first;
	unsigned int bank = bank_of(q, rule);
	bool was_known = q->kept_width[bank][offset] == width + 1;

	if (rule->flags & VPIO_RESETS) {
		forget_all(q);
		return;
	}
	forget_kept(q, port, width);
	if (rule->flags & VPIO_SELECTS && !width)
		q->bank = VPIO_BANK((value & rule->selects) / (rule->selects & -rule->selects) %
				    VPIO_BANKS);
	else if (rule->flags & VPIO_SELECTS)
		q->bank = 0;
	if (!(rule->flags & VPIO_KEPT) || value & rule->clears ||
	    (rule->clears && !said && !was_known))
		return;
	q->kept_width[bank][offset] = width + 1;
	q->kept[bank][offset] = value;
}

void vpio_queue_out(struct vpio_queue *q, u16 port, unsigned int width, u32 value)
{
	const struct vpio_rule *rule = rule_of(q, port);
	bool rings = rule->flags & VPIO_DOORBELL && (!rule->bits || value & rule->bits);

	q->stats.outs++;
	add(q, VPIO_REC_OUT, port, width, value);
	keep(q, port, width, value, false);
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

/*
 * What clears itself, if the driver reads such a port and it is not known: one
 * more input at the end of a batch that is waited for anyway.
 */
static const struct vpio_rule *add_wanted(struct vpio_queue *q)
{
	unsigned int i;

	for (i = 0; q->wanted && i < q->rules; i++) {
		const struct vpio_rule *rule = &q->rule[i];

		if (!rule->clears || !(rule->flags & VPIO_PURE) || rule->bank ||
		    q->kept_width[0][rule->first])
			continue;
		add(q, VPIO_REC_IN, q->first + rule->first, 0, 0);
		return rule;
	}
	return NULL;
}

/* The sink will see the bits; the driver need not wait for them. */
static u32 post(struct vpio_queue *q, u16 port)
{
	struct vpio_rec *rec = add(q, VPIO_REC_UNTIL, port, 0, q->awaited->bits);
	u32 value = q->awaited->bits;

	rec->mask = value;
	rec->count = VPIO_POLL_READS;
	q->stats.posted++;
	forget_inputs(q);
	if (q->nr >= q->threshold)
		carry_out(q, false);
	return value;
}

static u32 in_by_batch(struct vpio_queue *q, u16 port, unsigned int width, bool polls)
{
	unsigned int at = q->nr, ahead = 0, i;
	const struct vpio_rule *wanted = NULL;
	struct vpio_rec *rec;
	u32 value;

	rec = add(q, polls ? VPIO_REC_CHANGE : VPIO_REC_IN, port, width, 0);
	if (polls) {
		/* It said the same twice, and is asked again: until it does not. */
		rec->value = q->last_value;
		rec->mask = all_ones[width];
		rec->count = VPIO_POLL_READS;
		q->stats.changes++;
	} else {
		ahead = add_ahead(q, port, width);
		if (!rule_of(q, port)->clears)
			wanted = add_wanted(q);
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
	if (wanted)
		keep(q, q->first + wanted->first, 0, q->rec[at + 1 + ahead].value & 0xff, true);
	value = q->rec[at].value & all_ones[width];
	/* What a port kept once, it keeps on. */
	keep(q, port, width, value, true);
	return value;
}

u32 vpio_queue_in(struct vpio_queue *q, u16 port, unsigned int width)
{
	const struct vpio_rule *rule = rule_of(q, port);
	unsigned int bank = bank_of(q, rule);
	u16 offset = port - q->first;
	bool polls;
	u32 value;

	q->stats.ins++;
	if (q->gone)
		return all_ones[width];
	if (rule->clears && !width)
		q->wanted = true;
	if (rule->flags & VPIO_KEPT && q->kept_width[bank][offset] == width + 1) {
		q->stats.known++;
		return q->kept[bank][offset];
	}
	if (q->awaited && q->awaited == rule && !width)
		return post(q, port);
	q->awaited = NULL;
	if (q->repeated && vpio_clock() - q->last_time > VPIO_AGE_NS)
		forget_inputs(q);
	polls = q->repeated && q->same && q->last_port == port && q->last_width == width &&
		is_pure(q, port, width);
	if (take_ahead(q, port, width, &value)) {
		q->stats.ahead++;
	} else {
		learn(q, port, width);
		value = in_by_batch(q, port, width, polls);
		if (q->gone)
			return value;
	}
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

/* Bits that a block to this port is bound to set. */
static void await_after(struct vpio_queue *q, u16 port)
{
	unsigned int i;

	for (i = 0; i < q->rules; i++) {
		const struct vpio_rule *rule = &q->rule[i];

		if (rule->flags & VPIO_AWAITED && rule->after == port - q->first &&
		    (!rule->bank || rule->bank == q->bank))
			q->awaited = rule;
	}
}

void vpio_queue_outs(struct vpio_queue *q, u16 port, unsigned int width, const void *buffer,
		     u64 count, int step)
{
	const struct vpio_rule *rule = rule_of(q, port);
	const u8 *from = buffer;

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
	await_after(q, port);
	if (rule->flags & VPIO_DOORBELL && !rule->bits)
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
