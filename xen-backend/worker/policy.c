// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * policy.c - asks the table that the supervisor made; see policy.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../log.h"
#include "device.h"
#include "limits.h"
#include "policy.h"
#include "worker.h"

struct policy {
	struct policy_table table;
	/* What was logged. */
	unsigned int nr_seen;
	uint32_t seen[VSYS_POLICY_SEEN];
	bool seen_scsi[256];
};

/* --- the table -------------------------------------------------------- */

static bool is_name(const char *name, size_t size)
{
	size_t i, len = strnlen(name, size);

	for (i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return len < size;
}

static bool field_fits(uint32_t offset, uint32_t size)
{
	return offset < POLICY_CDB_END && size <= POLICY_CDB_END - offset;
}

static bool is_place(const struct policy_cdb_place *p)
{
	if (p->pointer_size != 0 && p->pointer_size != 4 && p->pointer_size != 8)
		return false;
	if (p->length_size != 0 && p->length_size != 1 && p->length_size != 2 &&
	    p->length_size != 4)
		return false;
	return field_fits(p->offset, p->pointer_size ? p->pointer_size : 1) &&
	       field_fits(p->length_offset, p->length_size) &&
	       p->length_fixed <= POLICY_CDB_END;
}

static bool is_cdb(const struct policy_cdb *c)
{
	if (c->write > 1 || (c->write && c->number) || c->test >= POLICY_NR_TESTS)
		return false;
	if (c->test != POLICY_ALWAYS &&
	    ((c->test_size != 1 && c->test_size != 2 && c->test_size != 4) ||
	     !field_fits(c->test_offset, c->test_size)))
		return false;
	return is_place(&c->place[0]) && is_place(&c->place[1]) &&
	       is_name(c->name, sizeof(c->name));
}

static bool is_table(const struct policy_table *t)
{
	unsigned int i;

	if (t->magic != POLICY_MAGIC || t->any > 1 || t->nr_commands > POLICY_MAX_COMMANDS ||
	    t->nr_cdbs > POLICY_MAX_CDBS || !is_name(t->class, sizeof(t->class)))
		return false;
	for (i = 0; i < t->nr_commands; i++)
		if (t->command[i].allow > 1 ||
		    !is_name(t->command[i].name, sizeof(t->command[i].name)))
			return false;
	for (i = 0; i < t->nr_cdbs; i++)
		if (!is_cdb(&t->cdb[i]))
			return false;
	for (i = 0; i < 256; i++)
		if (t->scsi[i].allow > 1 || !is_name(t->scsi[i].name, sizeof(t->scsi[i].name)))
			return false;
	return true;
}

struct policy *policy_load(int fd)
{
	struct policy *p;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return NULL;
	if (!S_ISREG(st.st_mode) || st.st_size != sizeof(p->table)) {
		errno = EINVAL;
		return NULL;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	/* A copy is what nobody else can change any more. */
	if (pread(fd, &p->table, sizeof(p->table), 0) != sizeof(p->table) ||
	    !is_table(&p->table)) {
		free(p);
		errno = EINVAL;
		return NULL;
	}
	return p;
}

void policy_free(struct policy *p)
{
	free(p);
}

/* --- questions -------------------------------------------------------- */

/* Some hundred comparisons at most; a call costs a thousand times as much. */
static const struct policy_command *find(const struct policy *p, uint32_t cmd)
{
	unsigned int i = p ? p->table.nr_commands : 0;

	while (i--)
		if ((cmd & p->table.command[i].mask) == p->table.command[i].number)
			return &p->table.command[i];
	return NULL;
}

bool policy_allows(const struct policy *p, uint32_t cmd)
{
	const struct policy_command *c = find(p, cmd);

	return c ? c->allow : p && p->table.any;
}

bool policy_pins(const struct policy *p, uint32_t cmd)
{
	const struct policy_command *c = find(p, cmd);

	return c && c->allow && c->pins;
}

const char *policy_name(const struct policy *p, uint32_t cmd)
{
	const struct policy_command *c = find(p, cmd);

	return c && *c->name ? c->name : NULL;
}

const struct policy_cdb *policy_cdb(const struct policy *p, bool write, uint32_t cmd,
				    unsigned int n)
{
	unsigned int i;

	for (i = 0; p && i < p->table.nr_cdbs; i++) {
		const struct policy_cdb *c = &p->table.cdb[i];

		if (c->write == write && (write || c->number == cmd) && n-- == 0)
			return c;
	}
	return NULL;
}

bool policy_allows_scsi(const struct policy *p, uint8_t opcode)
{
	return p && (p->table.any || p->table.scsi[opcode].allow);
}

const char *policy_scsi_name(const struct policy *p, uint8_t opcode)
{
	return p && *p->table.scsi[opcode].name ? p->table.scsi[opcode].name : NULL;
}

/* --- denials ---------------------------------------------------------- */

/* A guest has four thousand million numbers to try, and may connect again and again. */
static void say(struct device *dev, const char *what, uint32_t number, const char *name)
{
	static struct log_limit limit;

	log_limited(&limit, LOG_WARNING, "domain %u device %u: %s 0x%02x (%s) is denied by policy '%s'",
		    dev->worker->transport->domid, dev->devid, what, number,
		    name ? name : "unknown", dev->policy ? dev->policy->table.class : "none");
}

/* Whether it is the first time. */
static bool note(struct policy *p, uint32_t cmd)
{
	unsigned int i;

	for (i = 0; i < p->nr_seen; i++)
		if (p->seen[i] == cmd)
			return false;
	if (p->nr_seen == VSYS_POLICY_SEEN)
		return false;
	p->seen[p->nr_seen++] = cmd;
	return true;
}

void policy_denied(struct device *dev, uint32_t cmd)
{
	dev->counters.denied++;
	if (!dev->policy || note(dev->policy, cmd))
		say(dev, "ioctl", cmd, policy_name(dev->policy, cmd));
}

void policy_denied_scsi(struct device *dev, uint8_t opcode)
{
	dev->counters.denied++;
	if (dev->policy && dev->policy->seen_scsi[opcode])
		return;
	if (dev->policy)
		dev->policy->seen_scsi[opcode] = true;
	say(dev, "SCSI command", opcode, policy_scsi_name(dev->policy, opcode));
}
