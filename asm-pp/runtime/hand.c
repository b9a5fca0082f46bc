// SPDX-License-Identifier: GPL-2.0
/*
 * hand.c - a queue's inputs of status and data, where the device's handshake is known
 * (handshake.h).
 *
 * What saves batches: the status, once it is not busy, changes only by what the driver
 * does; a device may be called busy as long as it has not got what makes it so; and a
 * device that asks for a block to be fetched has it ready, so the block comes along with
 * the status that says so, and the status after it with the block.
 *
 * What must not happen: that an interrupt is acknowledged before the driver knows of it.
 * So the port that does so is read in the driver's place only if the driver is in an
 * interrupt's handler or has turned interrupts off; and in a handler no device is called
 * busy that may have interrupted.
 */
#include "queue.h"

#define NOT_BUSY(h, v)	(!((v) & (h)->rule->busy))

static u16 offset_of(const struct vpio_queue *q, u16 port)
{
	return port - q->first;
}

static bool asks(const struct vpio_hand *h, u8 status)
{
	const struct vpio_handshake *rule = h->rule;

	return (status & (rule->busy | rule->asks | rule->wrong)) == rule->asks;
}

int vpio_queue_handshake(struct vpio_queue *q, const struct vpio_handshake *rule)
{
	unsigned int ports = q->last - q->first + 1;

	if (rule && (rule->data >= ports || rule->status >= ports || rule->peek >= ports ||
		     rule->command >= ports || rule->control >= ports || rule->select >= ports ||
		     rule->count >= ports || !rule->busy || !rule->asks || !rule->unit ||
		     rule->unit % 4 || rule->unit > VPIO_BLOCK || rule->transfers > VPIO_TRANSFERS))
		return -EINVAL;
	q->hand.rule = rule;
	q->hand.width = 1;
	return 0;
}

/* The device goes on from what the driver did last. */
static void begin(struct vpio_queue *q, bool rings)
{
	struct vpio_hand *h = &q->hand;

	h->known = false;
	h->acknowledged = false;
	h->busy_after = false;
	h->busy_said = 0;
	h->fetched = 0;
	h->taken = 0;
	h->fresh = true;
	h->unsent = q->nr;
	h->held = rings && h->peeks && h->unsent;
}

/* Another device, or as after power on, when which one is selected is not known, too. */
static void forget(struct vpio_hand *h)
{
	h->known = false;
	h->is_selected = false;
	h->unsent = false;
	h->busy_after = false;
	h->transfer = NULL;
	h->left = 0;
	h->fetched = 0;
	h->taken = 0;
	memset(h->most, 0, sizeof(h->most));
}

static const struct vpio_transfer *find(const struct vpio_handshake *rule, u8 command)
{
	unsigned int i;

	for (i = 0; i < rule->transfers; i++)
		if (rule->transfer[i].command == command)
			return &rule->transfer[i];
	return NULL;
}

static u32 units(const struct vpio_hand *h)
{
	u32 count = h->count[0];

	if (h->transfer->flags & VPIO_ONE)
		return 1;
	if (!(h->transfer->flags & VPIO_LONG))
		return count ? count : 0x100;
	count |= h->count[1] << 8;
	return count ? count : 0x10000;
}

static u32 *most(struct vpio_hand *h)
{
	return &h->most[h->transfer - h->rule->transfer];
}

static bool moves(const struct vpio_hand *h, u8 way)
{
	return h->transfer && h->transfer->flags & way && h->left;
}

/* Who gives data first asks if it is wanted, and who has turned interrupts off asks, too. */
static bool give_command(struct vpio_queue *q, u8 command)
{
	struct vpio_hand *h = &q->hand;
	bool rings;

	h->transfer = find(h->rule, command);
	if (!h->transfer)
		forget(h);	/* who knows what it sets */
	else if (h->transfer->flags & (VPIO_FROM_DEVICE | VPIO_TO_DEVICE))
		h->left = units(h) * h->rule->unit;
	else
		h->left = 0;
	h->went = 0;
	h->first = true;
	rings = !h->is_quiet && !moves(h, VPIO_TO_DEVICE);
	begin(q, rings);
	return rings && !h->held;
}

bool vpio_hand_out(struct vpio_queue *q, u16 port, unsigned int width, u32 value)
{
	struct vpio_hand *h = &q->hand;
	const struct vpio_handshake *rule = h->rule;
	u16 offset = offset_of(q, port);
	bool was_held = h->held;

	if (!rule)
		return false;
	h->held = false;
	if (offset == rule->data)
		return vpio_hand_outs(q, port, width, 1u << width) || was_held;
	if (h->fresh)
		h->peeks = false;
	h->fresh = false;
	if (width) {
		forget(h);
		return true;
	}
	if (offset == rule->count) {
		h->count[1] = h->count[0];
		h->count[0] = value;
	}
	if (offset == rule->select) {
		if (!h->is_selected || (value ^ h->selected) & rule->device)
			forget(h);
		h->is_selected = true;
		h->selected = value;
	}
	if (offset == rule->control) {
		if (h->is_reset || value & rule->reset)
			forget(h);
		h->is_reset = value & rule->reset;
		h->is_quiet = value & rule->quiet;
		h->acknowledged = false;
	}
	if (offset == rule->command)
		return give_command(q, value) || was_held;
	return was_held;
}

bool vpio_hand_outs(struct vpio_queue *q, u16 port, unsigned int width, u64 len)
{
	struct vpio_hand *h = &q->hand;
	bool rings = !h->is_quiet, was_held = h->held, sure = true;

	if (!h->rule || offset_of(q, port) != h->rule->data)
		return false;
	h->width = width;
	h->first = false;
	h->known = false;
	h->acknowledged = false;
	h->fresh = true;
	if (moves(h, VPIO_TO_DEVICE)) {
		u32 n = len < h->left ? len : h->left;

		h->went += n;
		h->left -= n;
		/* This is the block's end, as it was before, or it may be. */
		sure = h->went == *most(h) || !h->left;
		if (!sure && h->went < *most(h))
			return was_held;
	}
	begin(q, rings);
	if (!sure) {
		h->unsent = false;
		h->held = false;
	}
	return was_held || (rings && !h->held);
}

/* --- status --------------------------------------------------------------- */

/* What the driver moved since it asked last was one block. */
static void learn_block(struct vpio_hand *h)
{
	u32 whole = h->went - h->went % h->rule->unit;

	/* The last one may be shorter; what the device takes, the driver knows best. */
	if (h->transfer && whole && whole <= VPIO_BLOCK &&
	    (whole > *most(h) || moves(h, VPIO_TO_DEVICE)))
		*most(h) = whole;
	h->went = 0;
}

static u32 say_busy(struct vpio_hand *h, u32 value)
{
	h->busy_said++;
	h->said_time = vpio_clock();
	return value;
}

static bool is_known(struct vpio_queue *q, u16 port, u32 *value)
{
	struct vpio_hand *h = &q->hand;
	bool peeks = offset_of(q, port) == h->rule->peek;

	if (h->known) {
		q->stats.known++;
		*value = h->value;
		if (peeks || h->acknowledged)
			return true;
		/* The driver has the value; the device gets to know of it later. */
		h->acknowledged = true;
		vpio_queue_add(q, VPIO_REC_IN, port, 0, 0);
		if (q->nr >= q->threshold)
			vpio_queue_carry_out(q, VPIO_WHY_THRESHOLD);
		return true;
	}
	if (peeks && h->unsent) {
		q->stats.posted++;
		*value = say_busy(h, h->rule->busy);
		h->unsent = false;
		if (h->held)
			vpio_queue_carry_out(q, VPIO_WHY_DOORBELL);
		return true;
	}
	if (peeks && h->busy_after) {
		q->stats.ahead++;
		*value = say_busy(h, h->after);
		h->busy_after = false;
		return true;
	}
	return false;
}

/* How many units of the present block to fetch: as much as it was before, and fits. */
static unsigned int units_ahead(struct vpio_queue *q)
{
	struct vpio_hand *h = &q->hand;
	u32 size = *most(h) > h->went ? *most(h) - h->went : h->rule->unit;
	unsigned int units, room;

	if (size < h->rule->unit)
		size = h->rule->unit;
	if (size > h->left)
		size = h->left;
	units = size / h->rule->unit;
	room = (VPIO_BYTES - q->used) / h->rule->unit;
	if (units > room)
		units = room;
	/* Three records for each; and what else is in that batch. */
	room = (VPIO_RECORDS - q->nr - 5) / 3;
	return units < room ? units : room;
}

static struct vpio_rec *add_when(struct vpio_queue *q, u8 mask, u8 value)
{
	struct vpio_rec *rec = vpio_queue_add(q, VPIO_REC_WHEN, q->first + q->hand.rule->peek, 0,
					      value);

	rec->mask = mask;
	return rec;
}

static struct vpio_rec *add_when_asked(struct vpio_queue *q)
{
	const struct vpio_handshake *rule = q->hand.rule;

	return add_when(q, rule->busy | rule->asks | rule->wrong, rule->asks);
}

/*
 * The records that fetch units as long as the device asks, since its block may be shorter
 * now; and last the status then.  A device may take a moment to say that it does not ask
 * any more, as long as a read takes.
 */
static void add_units(struct vpio_queue *q, unsigned int units)
{
	struct vpio_hand *h = &q->hand;
	unsigned int i;

	h->records = q->nr;
	h->units = units;
	for (i = 0; i < units; i++) {
		if (i) {
			vpio_queue_add(q, VPIO_REC_IN, q->first + h->rule->peek, 0, 0);
			add_when_asked(q)->count = 3 * (units - i) - 2;
		}
		vpio_queue_add(q, VPIO_REC_INS, q->first + h->rule->data, h->width, q->used)->count =
			h->rule->unit >> h->width;
		q->used += h->rule->unit;
	}
	vpio_queue_add(q, VPIO_REC_IN, q->first + h->rule->peek, 0, 0);
}

/* They are done. */
static void have_units(struct vpio_queue *q)
{
	struct vpio_hand *h = &q->hand;
	const struct vpio_rec *rec = &q->rec[h->records];
	unsigned int got = 1;

	while (got < h->units && asks(h, rec[3 * got - 1].value))
		got++;
	h->fetched = got * h->rule->unit;
	h->taken = 0;
	memcpy(h->block, q->bytes + rec->value, h->fetched);
	h->after = rec[3 * h->units - 2].value;
	if (got < h->units)
		*most(h) = h->went + h->fetched;
}

/*
 * fresh: it may be read for the time that this takes, not for what it says, by a driver
 * that then waits for the interrupt.
 */
static u32 by_batch(struct vpio_queue *q, u16 port, bool polls, bool fresh)
{
	struct vpio_hand *h = &q->hand;
	const struct vpio_handshake *rule = h->rule;
	bool peeks = offset_of(q, port) == rule->peek;
	bool may = !peeks || h->is_quiet || (q->in_handler && !fresh);
	unsigned int ahead = moves(h, VPIO_FROM_DEVICE) && may ? units_ahead(q) : 0;
	unsigned int at = q->nr, when = 0;
	struct vpio_rec *rec;
	u8 value;

	rec = vpio_queue_add(q, polls ? VPIO_REC_CHANGE : VPIO_REC_IN, port, 0, rule->busy);
	if (polls) {
		rec->mask = rule->busy;
		rec->count = VPIO_POLL_READS;
		q->stats.changes++;
	}
	if (ahead || (peeks && may)) {
		when = q->nr;
		rec = ahead ? add_when_asked(q) : add_when(q, rule->busy, 0);
		/* It may have interrupted after it was asked first. */
		vpio_queue_add(q, VPIO_REC_IN, q->first + rule->status, 0, 0);
		if (ahead)
			add_units(q, ahead);
		rec->count = q->nr - 1 - when;
	}
	q->waits_at[offset_of(q, port)]++;
	if (!vpio_queue_carry_out(q, VPIO_WHY_INPUT))
		return 0xff;
	value = q->rec[at].value;
	h->acknowledged = !peeks;
	if (when && (ahead ? asks(h, rec->value) : NOT_BUSY(h, rec->value))) {
		/* And it may have been busy still. */
		value = rec->value;
		h->acknowledged = true;
		if (ahead)
			have_units(q);
	}
	h->known = NOT_BUSY(h, value);
	h->value = value;
	if (h->known)
		h->busy_said = 0;
	else
		say_busy(h, value);
	return value;
}

bool vpio_hand_in(struct vpio_queue *q, u16 port, unsigned int width, u32 *value)
{
	struct vpio_hand *h = &q->hand;
	u16 offset = offset_of(q, port);
	bool fresh = h->fresh, polls;

	if (!h->rule || width || (offset != h->rule->peek && offset != h->rule->status))
		return false;
	if (fresh)
		h->peeks = offset == h->rule->peek;
	h->fresh = false;
	if (vpio_clock() - h->said_time > VPIO_AGE_NS) {
		h->busy_said = 0;
		h->busy_after = false;
	}
	h->busy_after = h->busy_after && fresh;
	learn_block(h);
	if (is_known(q, port, value))
		return true;
	/* Who gives data is asked for the first block without an interrupt. */
	polls = h->is_quiet || h->busy_said >= 2 || (h->first && moves(h, VPIO_TO_DEVICE));
	h->unsent = false;
	*value = by_batch(q, port, polls, fresh);
	return true;
}

/* --- data ------------------------------------------------------------------- */

u32 vpio_hand_ins(struct vpio_queue *q, u16 port, unsigned int width, u64 len, const u8 **from)
{
	struct vpio_hand *h = &q->hand;
	unsigned int ahead;
	u32 n;

	if (!h->rule || offset_of(q, port) != h->rule->data || q->gone)
		return 0;
	if (h->taken == h->fetched && h->known && asks(h, h->value) && moves(h, VPIO_FROM_DEVICE)) {
		h->width = width;
		ahead = units_ahead(q);
		if (!ahead)
			return 0;
		/* Before the device goes on to the next one, which may interrupt. */
		if (!h->acknowledged)
			vpio_queue_add(q, VPIO_REC_IN, q->first + h->rule->status, 0, 0);
		h->acknowledged = true;
		add_units(q, ahead);
		q->waits_at[offset_of(q, port)]++;
		if (!vpio_queue_carry_out(q, VPIO_WHY_INPUT))
			return 0;
		have_units(q);
	}
	n = h->fetched - h->taken;
	if (n > len)
		n = len;
	n &= ~((1u << width) - 1);
	*from = h->block + h->taken;
	h->taken += n;
	h->left -= n;
	h->went += n;
	if (n && h->taken == h->fetched) {
		h->fetched = 0;
		h->taken = 0;
		h->fresh = true;
		h->known = NOT_BUSY(h, h->after);
		h->value = h->after;
		h->busy_after = !h->known && h->peeks;
		h->busy_said = 0;
		h->said_time = vpio_clock();
		/* Only a block that is ready interrupts, or what is wrong. */
		h->acknowledged = !(h->after & (h->rule->asks | h->rule->wrong));
	}
	return n;
}

void vpio_hand_ins_done(struct vpio_queue *q, u16 port, u64 len)
{
	struct vpio_hand *h = &q->hand;

	if (!h->rule || offset_of(q, port) != h->rule->data)
		return;
	/* Where the units begin is not known any more. */
	if (len % h->rule->unit)
		h->transfer = NULL;
	h->left -= len < h->left ? len : h->left;
	h->went += len < VPIO_BLOCK ? len : VPIO_BLOCK;
	h->known = false;
	h->acknowledged = false;
	h->busy_after = false;
	h->fresh = true;
	h->fetched = 0;
	h->taken = 0;
}
