// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * judge.c - may the guest send this SCSI command?
 *
 * The opcode is looked at where the driver will find it: in the mirror, in pages
 * that are copies.  These are not renewed any more until the call has ended, so what
 * was judged is what the driver gets, whatever the guest does meanwhile.  What is not
 * there yet is asked for before the call is made.
 */
#include <errno.h>
#include <string.h>

#include "call-parts.h"
#include "device.h"
#include "policy.h"
#include "ring.h"

#define JUDGE_ROUNDS	8	/* structure, pointer, CDB; each may cross a page */

enum found {
	FOUND,
	MISSING,		/* it is asked for */
	NOWHERE,		/* the driver gets EFAULT for it, too */
	UNSAFE,			/* it may change: not for the driver to read */
};

static enum found find_page(struct mcall *c, uint64_t addr, struct mpage **page)
{
	struct vsys_item *items = call_page(c->r, 0);
	struct mpage *p = page_find(c->m, addr);

	*page = p;
	/* Below the mirror there is memory that drivers write to. */
	if (addr < VSYS_MIRROR_START || addr >= MIRROR_END)
		return UNSAFE;
	if (!p) {
		items[c->nr_items++] = (struct vsys_item){
			.addr = addr, .value = 1, .op = VSYS_ITEM_NEED,
		};
		return MISSING;
	}
	if (p->state == PAGE_REFUSED)
		return NOWHERE;
	return p->state == PAGE_PRESENT && !p->kept ? FOUND : UNSAFE;
}

/* At most 8 bytes. */
static enum found read_field(struct mcall *c, uint64_t addr, unsigned int size, void *to)
{
	enum found found = FOUND;
	struct mpage *p = NULL;
	unsigned int i;

	for (i = 0; i < size && found == FOUND; i++) {
		if (!p || (addr + i) % VSYS_PAGE_SIZE == 0)
			found = find_page(c, page_of(addr + i), &p);
		if (found != FOUND)
			break;
		p->judged = true;
		((unsigned char *)to)[i] = p->image[(addr + i) % VSYS_PAGE_SIZE];
	}
	return found;
}

static enum found test_holds(struct mcall *c, const struct policy_cdb *cdb, bool *holds)
{
	enum found found;
	uint32_t value = 0;

	*holds = true;
	if (cdb->test == POLICY_ALWAYS)
		return FOUND;
	found = read_field(c, c->arg + cdb->test_offset, cdb->test_size, &value);
	if (cdb->test == POLICY_EQUAL)
		*holds = value == cdb->test_value;
	else
		*holds = value >> (8 * cdb->test_size - 1);
	return found;
}

static enum found find_opcode(struct mcall *c, const struct policy_cdb *cdb, uint8_t *opcode)
{
	const struct policy_cdb_place *place = &cdb->place[c->compat];
	uint64_t addr = c->arg + place->offset, pointer = 0;
	enum found found = FOUND;

	if (place->pointer_size) {
		found = read_field(c, addr, place->pointer_size, &pointer);
		addr = pointer;
	}
	return found == FOUND ? read_field(c, addr, 1, opcode) : found;
}

/* 0: it may be made; 1: more is needed, c->nr_items say what; or an errno. */
static int judge(struct mcall *c)
{
	const struct policy *policy = c->q->dev->policy;
	bool write = c->op == VSYS_OP_MIRROR_WRITE, holds = false;
	uint32_t cmd = write ? 0 : c->cmd;
	const struct policy_cdb *cdb = NULL;
	enum found found = FOUND;
	uint8_t opcode = 0;
	unsigned int n;

	c->nr_items = 0;
	if (c->op == VSYS_OP_MIRROR_READ)
		return 0;
	for (n = 0; found == FOUND && !holds; n++) {
		cdb = policy_cdb(policy, write, cmd, n);
		if (!cdb)
			return 0;
		found = test_holds(c, cdb, &holds);
	}
	if (found == FOUND)
		found = find_opcode(c, cdb, &opcode);
	switch (found) {
	case MISSING:
		return 1;
	case NOWHERE:
		return 0;
	case UNSAFE:
		return -EFAULT;
	default:
		break;
	}
	if (policy_allows_scsi(policy, opcode))
		return 0;
	policy_denied_scsi(c->q->dev, opcode);
	return -EPERM;
}

void call_judge(struct mcall *c)
{
	int err = c->cancelled ? 0 : judge(c);

	if (err == 0) {
		call_go(c);
	} else if (err < 0 || c->judge_rounds++ == JUDGE_ROUNDS) {
		call_fail(c, err < 0 ? err : -EFAULT);
	} else {
		c->phase = CALL_JUDGING;
		call_park(c);
	}
}
