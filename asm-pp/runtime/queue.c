// SPDX-License-Identifier: GPL-2.0
/*
 * queue.c - the batch queue (outputs) and the input queue (values read ahead).
 *
 * What saves a batch that would be waited for: a value that cannot have changed
 * (VPIO_KEPT); a value that came with an earlier one, since the driver read the
 * two together before (only VPIO_PURE ports, only until the next output or tick,
 * not later than VPIO_AGE_NS, each value once), also of another bank; how far the
 * device was, as long as the driver is behind (VPIO_PRODUCES); bits that are bound to come,
 * which the sink waits for (VPIO_AWAITED); and a poll of a VPIO_PURE port, that
 * the sink goes on with until the value changes.
 */
#include "queue.h"

/* An input, what is read ahead with a selection for each and one back, what clears itself. */
#define MOST_WITH_INPUT	(1 + 2 * VPIO_AHEAD + 1 + 1)

static const u32 all_ones[] = { 0xff, 0xffff, 0xffffffff };
static const struct vpio_rule no_rule;

static const struct vpio_rule *rule_in(const struct vpio_queue *q, u16 port, unsigned int bank)
{
	u16 offset = port - q->first;
	unsigned int i;

	for (i = 0; i < q->rules; i++) {
		const struct vpio_rule *rule = &q->rule[i];

		if (offset >= rule->first && offset <= rule->last &&
		    (!rule->bank || rule->bank == bank))
			return rule;
	}
	return &no_rule;
}

static const struct vpio_rule *rule_of(const struct vpio_queue *q, u16 port)
{
	return rule_in(q, port, q->bank);
}

static bool is_pure(const struct vpio_queue *q, u16 port, unsigned int width, unsigned int bank)
{
	unsigned int i;

	for (i = 0; i < 1u << width; i++)
		if (!(rule_in(q, port + i, bank)->flags & VPIO_PURE))
			return false;
	return true;
}

/* Of the bank that is selected; ports without banks have all the same. */
static unsigned int bank_index(const struct vpio_queue *q)
{
	return q->bank ? q->bank - 1 : 0;
}

static bool rule_is_right(const struct vpio_rule *rule, unsigned int ports)
{
	if (rule->first > rule->last || rule->last >= ports || rule->after >= ports ||
	    rule->start >= ports || rule->stop >= ports || rule->bank > VPIO_BANKS)
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
	    threshold > VPIO_RECORDS - MOST_WITH_INPUT)
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
	for (i = 0; i < rules; i++)
		if (rule[i].flags & VPIO_SELECTS)
			q->selector = &rule[i];
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
bool vpio_queue_carry_out(struct vpio_queue *q, enum vpio_why why)
{
	bool wait = why == VPIO_WHY_INPUT;

	if (!q->nr)
		return !q->gone;
	if (!q->gone) {
		q->stats.batches++;
		q->stats.waits += wait;
		q->stats.why[why]++;
		q->stats.records += q->nr;
		if (q->sink->carry_out(q->data, q->rec, q->nr, q->bytes, q->used, wait))
			q->gone = true;
	}
	if (q->gone)
		q->stats.lost += q->nr;
	q->nr = 0;
	q->used = 0;
	q->hand.unsent = false;
	q->hand.held = false;
	return !q->gone;
}

void vpio_queue_flush(struct vpio_queue *q)
{
	vpio_queue_carry_out(q, VPIO_WHY_FLUSH);
}

void vpio_queue_tick(struct vpio_queue *q)
{
	vpio_queue_carry_out(q, VPIO_WHY_TICK);
	forget_inputs(q);
	q->hand.busy_after = false;
}

struct vpio_rec *vpio_queue_add(struct vpio_queue *q, u8 op, u16 port, unsigned int width, u32 value)
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

/*
 * Of a bank that is not selected.  What is kept of the first bank may also be of a port
 * without banks.
 */
static bool is_elsewhere(const struct vpio_queue *q, int offset, unsigned int bank)
{
	if (!q->bank || bank + 1 == q->bank)
		return false;
	return bank || rule_in(q, q->first + offset, q->bank)->bank;
}

/* A value of several ports makes that of each unknown. */
static void forget_kept(struct vpio_queue *q, u16 port, unsigned int width)
{
	int low = port - q->first - 3, high = port - q->first + (1 << width) - 1, i;
	unsigned int bank;

	for (bank = 0; bank < VPIO_BANKS; bank++) {
		u8 *kept_width = q->kept_width[bank];

		for (i = low < 0 ? 0 : low; i <= high && i < VPIO_PORTS; i++)
			if (kept_width[i] && !is_elsewhere(q, i, bank) &&
			    i + (1 << (kept_width[i] - 1)) > port - q->first)
				kept_width[i] = 0;
	}
}

static void forget_all(struct vpio_queue *q)
{
	memset(q->kept_width, 0, sizeof(q->kept_width));
	q->bank = 0;
	q->selects_only = false;
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
	if (rule->flags & VPIO_NOTED ? said : !(rule->flags & (VPIO_KEPT | VPIO_PRODUCES)))
		return;
	/* The driver's own value of that is none that the device has reached. */
	if (rule->flags & VPIO_PRODUCES && !said)
		return;
	if (value & rule->clears || (rule->clears && !said && !was_known))
		return;
	q->kept_width[bank][offset] = width + 1;
	q->kept[bank][offset] = value;
}

/* Nothing but the bank's selection: what was read ahead is as good as before. */
static bool only_selects(const struct vpio_rule *rule, unsigned int width, u32 value)
{
	return rule->flags & VPIO_SELECTS && rule->rest && !width &&
	       (value & rule->rest) == rule->idle;
}

void vpio_queue_out(struct vpio_queue *q, u16 port, unsigned int width, u32 value)
{
	const struct vpio_rule *rule = rule_of(q, port);
	bool rings = rule->flags & VPIO_DOORBELL && (!rule->bits || value & rule->bits);

	q->stats.outs++;
	vpio_queue_add(q, VPIO_REC_OUT, port, width, value);
	keep(q, port, width, value, false);
	if (rule->flags & VPIO_SELECTS) {
		q->select = value;
		q->selects_only = only_selects(rule, width, value);
	}
	if (only_selects(rule, width, value)) {
		q->same = false;
		/* The same value may end what was to set the bits. */
		q->awaited = NULL;
	} else {
		forget_inputs(q);
	}
	if (vpio_hand_out(q, port, width, value))
		rings = true;
	if (rings || q->nr >= q->threshold)
		vpio_queue_carry_out(q, rings ? VPIO_WHY_DOORBELL : VPIO_WHY_THRESHOLD);
}

/* One that was read ahead; in the order in which they were, others go. */
static bool take_ahead(struct vpio_queue *q, u16 port, unsigned int width, u32 *value)
{
	while (q->inputs) {
		struct vpio_input *input = &q->input[q->input_head];

		q->input_head = (q->input_head + 1) % VPIO_INPUTS;
		q->inputs--;
		if (input->port != port || input->width != width || input->bank != q->bank)
			continue;
		*value = input->value;
		return true;
	}
	return false;
}

static void add_select(struct vpio_queue *q, u8 value)
{
	vpio_queue_add(q, VPIO_REC_OUT, q->first + q->selector->first, 0, value);
}

/* The value of this port is to be read ahead; false: it can't be. */
static bool add_one_ahead(struct vpio_queue *q, const struct vpio_follower *f, unsigned int width,
			  u8 *selected)
{
	struct vpio_input *input = &q->input[q->inputs];
	u16 port = q->first + f->port - 1;
	u8 select = q->select;
	unsigned int i;

	if (q->inputs == VPIO_AHEAD || !is_pure(q, port, width, f->bank))
		return false;
	/* What an interrupt's handler asks first must not be from before it. */
	if (rule_in(q, port, f->bank)->flags & VPIO_AWAITED)
		return false;
	for (i = 0; i < q->inputs; i++)
		if (q->input[i].port == port && q->input[i].bank == f->bank)
			return false;
	if (f->bank != q->bank) {
		/* There and back, with nothing else changed. */
		if (!q->selects_only)
			return false;
		select = (q->select & ~q->selector->selects) | (f->select & q->selector->selects);
	}
	if (select != *selected)
		add_select(q, select);
	*selected = select;
	input->port = port;
	input->width = width;
	input->bank = f->bank;
	input->rec = q->nr;
	vpio_queue_add(q, VPIO_REC_IN, port, width, 0);
	q->inputs++;
	return true;
}

/* What the driver read after this port, and after that. */
static void add_ahead(struct vpio_queue *q, u16 port, unsigned int width)
{
	const struct vpio_follower *f = q->follows[bank_index(q)][port - q->first];
	unsigned int done = 0, i;
	u8 selected = q->select;

	q->input_head = 0;
	q->inputs = 0;
	for (;;) {
		for (i = 0; i < VPIO_FOLLOW && f[i].port; i++)
			add_one_ahead(q, &f[i], width, &selected);
		if (done == q->inputs)
			break;
		i = q->input[done].bank ? q->input[done].bank - 1 : 0;
		f = q->follows[i][q->input[done].port - q->first];
		done++;
	}
	if (selected != q->select)
		add_select(q, q->select);
}

/* Two inputs one after the other: the second may come with the first. */
static void learn(struct vpio_queue *q, u16 port, unsigned int width)
{
	unsigned int last = q->last_bank ? q->last_bank - 1 : 0, i;
	struct vpio_follower *f;

	if (!q->repeated || (port == q->last_port && q->bank == q->last_bank))
		return;
	f = q->follows[last][q->last_port - q->first];
	if (width != q->last_width || !is_pure(q, port, width, q->bank)) {
		memset(f, 0, VPIO_FOLLOW * sizeof(*f));
		return;
	}
	if (q->bank != q->last_bank && !q->selects_only)
		return;
	for (i = 0; i < VPIO_FOLLOW - 1; i++)
		if (f[i].port == port - q->first + 1 && f[i].bank == q->bank)
			break;
	for (; i; i--)
		f[i] = f[i - 1];
	f->port = port - q->first + 1;
	f->bank = q->bank;
	f->select = q->select;
}

static u32 remember(struct vpio_queue *q, u16 port, unsigned int width, u32 value)
{
	q->same = q->repeated && q->last_port == port && q->last_width == width &&
		  q->last_bank == q->bank && q->last_value == value;
	q->repeated = true;
	q->last_port = port;
	q->last_width = width;
	q->last_bank = q->bank;
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
		vpio_queue_add(q, VPIO_REC_IN, q->first + rule->first, 0, 0);
		return rule;
	}
	return NULL;
}

/* The sink will see the bits; the driver need not wait for them. */
static u32 post(struct vpio_queue *q, u16 port)
{
	struct vpio_rec *rec = vpio_queue_add(q, VPIO_REC_UNTIL, port, 0, q->awaited->bits);
	u32 value = q->awaited->bits;

	rec->mask = value;
	rec->count = VPIO_POLL_READS;
	q->stats.posted++;
	forget_inputs(q);
	if (q->nr >= q->threshold)
		vpio_queue_carry_out(q, VPIO_WHY_THRESHOLD);
	return value;
}

static u32 in_by_batch(struct vpio_queue *q, u16 port, unsigned int width, bool polls)
{
	unsigned int at = q->nr, wanted_at = 0, i;
	const struct vpio_rule *wanted = NULL;
	struct vpio_rec *rec;

	q->inputs = 0;
	rec = vpio_queue_add(q, polls ? VPIO_REC_CHANGE : VPIO_REC_IN, port, width, 0);
	if (polls) {
		/* It said the same twice, and is asked again: until it does not. */
		rec->value = q->last_value;
		rec->mask = all_ones[width];
		rec->count = VPIO_POLL_READS;
		q->stats.changes++;
	} else {
		add_ahead(q, port, width);
		wanted_at = q->nr;
		if (!rule_of(q, port)->clears)
			wanted = add_wanted(q);
	}
	q->waits_at[port - q->first]++;
	if (!vpio_queue_carry_out(q, VPIO_WHY_INPUT)) {
		forget_inputs(q);
		return all_ones[width];
	}
	q->ahead_time = vpio_clock();
	for (i = 0; i < q->inputs; i++)
		q->input[i].value = q->rec[q->input[i].rec].value & all_ones[width];
	if (wanted)
		keep(q, q->first + wanted->first, 0, q->rec[wanted_at].value & 0xff, true);
	return q->rec[at].value & all_ones[width];
}

/*
 * The device was at this place of its ring, and has only gone on since; the driver
 * has not come there yet.  It may be told the same again: it would find nothing less.
 * A driver that moves its own place up to the device's may mean by that that it has
 * all, or the place before: then it has to ask.
 */
static bool is_behind(const struct vpio_queue *q, const struct vpio_rule *rule, u32 place)
{
	unsigned int next;

	if (!q->kept_width[0][rule->after] || !q->kept_width[0][rule->start] ||
	    !q->kept_width[0][rule->stop])
		return false;
	if (q->kept[0][rule->after] == place)
		return false;
	next = q->kept[0][rule->after] + 1;
	if (next >= q->kept[0][rule->stop])
		next = q->kept[0][rule->start];
	return next != place;
}

/* A status, or a value of a block that was read ahead. */
static bool by_hand(struct vpio_queue *q, u16 port, unsigned int width, u32 *value)
{
	const u8 *from;

	if (vpio_hand_in(q, port, width, value)) {
		forget_inputs(q);
		return true;
	}
	if (!vpio_hand_ins(q, port, width, 1u << width, &from))
		return false;
	forget_inputs(q);
	*value = 0;
	memcpy(value, from, 1u << width);
	q->stats.ahead++;
	return true;
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
	if (by_hand(q, port, width, &value))
		return value;
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
	if (q->inputs && vpio_clock() - q->ahead_time > VPIO_AGE_NS)
		q->inputs = 0;
	polls = q->repeated && q->same && q->last_port == port && q->last_width == width &&
		q->last_bank == q->bank && is_pure(q, port, width, q->bank);
	if (take_ahead(q, port, width, &value)) {
		q->stats.ahead++;
	} else if (rule->flags & VPIO_PRODUCES && q->kept_width[bank][offset] == width + 1 &&
		   is_behind(q, rule, q->kept[bank][offset])) {
		q->stats.known++;
		return q->kept[bank][offset];
	} else {
		learn(q, port, width);
		value = in_by_batch(q, port, width, polls);
		if (q->gone)
			return value;
	}
	vpio_hand_ins_done(q, port, 1u << width);
	/* What a port kept once, it keeps on. */
	keep(q, port, width, value, true);
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
	u64 whole = count;

	q->stats.outs++;
	forget_kept(q, port, width);
	forget_inputs(q);
	while (count) {
		u64 n = block_count(q, width, count);

		if (!n) {
			vpio_queue_carry_out(q, VPIO_WHY_FULL);
			continue;
		}
		vpio_queue_add(q, VPIO_REC_OUTS, port, width, q->used)->count = n;
		copy_block(q->bytes + q->used, from, n, width, 1, step);
		/* Blocks start at whole values. */
		q->used += ((n << width) + 3) & ~3u;
		if (q->used > VPIO_BYTES)
			q->used = VPIO_BYTES;
		from += step * (long)(n << width);
		count -= n;
		if (q->nr >= q->threshold)
			vpio_queue_carry_out(q, VPIO_WHY_THRESHOLD);
	}
	await_after(q, port);
	if (vpio_hand_outs(q, port, width, whole << width) ||
	    (rule->flags & VPIO_DOORBELL && !rule->bits))
		vpio_queue_carry_out(q, VPIO_WHY_DOORBELL);
}

void vpio_queue_ins(struct vpio_queue *q, u16 port, unsigned int width, void *buffer, u64 count,
		    int step)
{
	const u8 *ahead;
	u8 *to = buffer;

	q->stats.ins++;
	forget_inputs(q);
	while (count) {
		u64 have = vpio_hand_ins(q, port, width, count << width, &ahead) >> width;

		if (!have)
			break;
		copy_block(to, ahead, have, width, step, 1);
		to += step * (long)(have << width);
		count -= have;
		q->stats.ahead += !count;
	}
	if (count)
		vpio_hand_ins_done(q, port, count << width);
	while (count) {
		u64 n = block_count(q, width, count);
		unsigned int at = q->used;

		if (!n) {
			vpio_queue_carry_out(q, VPIO_WHY_FULL);
			continue;
		}
		vpio_queue_add(q, VPIO_REC_INS, port, width, at)->count = n;
		q->used += n << width;
		q->waits_at[port - q->first]++;
		if (!vpio_queue_carry_out(q, VPIO_WHY_INPUT))
			memset(q->bytes + at, 0xff, n << width);
		copy_block(to, q->bytes + at, n, width, step, 1);
		to += step * (long)(n << width);
		count -= n;
	}
}
