// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * share.c - who may open a native device that several guests have; see share.h.
 *
 * The opens that wait are open.c's. Here is who holds what, and whether the guest
 * that holds it is still there: as long as somebody wants a device, the holder's
 * front-end is asked (ping) and has to answer (pong). A guest that was paused,
 * crashed or hangs does not, and loses the device; it gets a new one if it comes back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "log.h"
#include "nodes.h"
#include "open.h"
#include "share.h"
#include "supervisor.h"
#include "xs.h"

static bool is_exclusive(const struct device *d)
{
	return d->stanza.exclusive != VSYS_EXCLUSIVE_NONE;
}

static bool same_native(const struct device *d, enum vsys_class class, dev_t rdev)
{
	dev_t its = d->opens ? d->open_rdev : d->native.rdev;

	return d->native.class == class && its == rdev;
}

static bool holds(const struct device *d)
{
	return d->opens || d->stanza.exclusive == VSYS_EXCLUSIVE_ATTACH;
}

/* The next device of any domain after d; NULL: the first. */
static struct device *next_device(const struct supervisor *sup, const struct device *d)
{
	struct domain *dom = d ? d->domain : TAILQ_FIRST(&sup->domains);
	struct device *next = d ? TAILQ_NEXT(d, link) : NULL;

	if (d && !next)
		dom = TAILQ_NEXT(dom, link);
	for (; !next && dom; dom = TAILQ_NEXT(dom, link))
		next = TAILQ_FIRST(&dom->devices);
	return next;
}

/*
 * The next one that may be in the way of one that is exclusive or not.  Where hundreds
 * of guests share a device, each open would otherwise look at each of them.
 */
static struct device *next_rival(const struct supervisor *sup, const struct device *d,
				 bool exclusive)
{
	if (exclusive)
		return next_device(sup, d);
	return d ? TAILQ_NEXT(d, exclusive_link) : TAILQ_FIRST(&sup->exclusives);
}

void share_attached(struct device *d)
{
	if (is_exclusive(d))
		TAILQ_INSERT_TAIL(&d->domain->sup->exclusives, d, exclusive_link);
}

void share_detached(struct device *d)
{
	if (is_exclusive(d))
		TAILQ_REMOVE(&d->domain->sup->exclusives, d, exclusive_link);
	d->stanza.exclusive = VSYS_EXCLUSIVE_NONE;
	share_released(d);
}

int share_check_attach(struct supervisor *sup, const struct stanza *s, const struct native *n,
		       struct fault *f)
{
	bool attach = s->exclusive == VSYS_EXCLUSIVE_ATTACH;
	const struct device *d = NULL;

	while ((d = next_rival(sup, d, attach || s->is_ports))) {
		if (s->is_ports && d->stanza.is_ports &&
		    ioport_overlap(&s->ports, &d->stanza.ports))
			return fault(f, -EBUSY, "ioport '%s' overlaps %s, lent to %s", s->dev,
				     d->stanza.dev, domain_label(d->domain));
		if (s->is_ports || !same_native(d, n->class, n->rdev))
			continue;
		if (d->stanza.exclusive == VSYS_EXCLUSIVE_ATTACH)
			return fault(f, -EBUSY, "dev '%s' is lent to %s alone (exclusive=attach)",
				     s->dev, domain_label(d->domain));
		if (attach)
			return fault(f, -EBUSY,
				     "dev '%s' is lent to %s, too, so exclusive=attach cannot be",
				     s->dev, domain_label(d->domain));
	}
	return 0;
}

struct device *share_holder(const struct device *d, dev_t rdev)
{
	struct device *other = NULL;

	while ((other = next_rival(d->domain->sup, other, is_exclusive(d))))
		if (other != d && holds(other) && same_native(other, d->native.class, rdev) &&
		    (is_exclusive(d) || is_exclusive(other)))
			return other;
	return NULL;
}

bool share_claims(const struct device *d)
{
	return is_exclusive(d) && d->native.class == VSYS_CLASS_BLOCK;
}

/* --- does the guest live? ------------------------------------------------ */

static void look(void *arg);

static void look_later(struct device *d, int ms)
{
	loop_timer_set(d->domain->sup->loop, &d->ping_timer, ms, look, d);
}

static bool answered(struct device *d, bool *knows)
{
	char *text = xst_read(d->domain->sup->xs, d->front_path, VSYS_KEY_PONG);
	uint32_t pong;
	bool same;

	*knows = text && !vsys_schema_u32(text, 0, UINT32_MAX, false, &pong);
	same = *knows && pong == d->ping;
	free(text);
	return same;
}

static void look(void *arg)
{
	struct device *d = arg;
	bool knows;

	if (answered(d, &knows)) {
		d->pinged = false;
		return;
	}
	d->pinged = false;
	/* A front-end that never says pong can't be judged by it. */
	if (!knows || !d->online || !holds(d))
		return;
	log_limited(&d->domain->limit, LOG_WARNING,
		    "%s: %s (device %u) is taken away: others want %s, and the guest does not answer",
		    domain_label(d->domain), d->stanza.name, d->devid, d->stanza.dev);
	device_reattach(d);
}

void share_wanted(struct device *d)
{
	if (d->pinged || !d->online || d->front != FRONT_CONNECTED)
		return;
	/* Who could not be asked is not judged; the next one who wants it tries again. */
	if (nodes_tell(d->domain->sup->xs, d, VSYS_KEY_PING, ++d->ping))
		return;
	d->pinged = true;
	look_later(d, LIMIT_PING_MS);
}

/* --- opens ------------------------------------------------------------------ */

static void close_claim(struct device *d)
{
	if (d->claim >= 0)
		loop_close(d->domain->sup->loop, d->claim);
	d->claim = -1;
}

void share_drop_claim(struct device *d, dev_t rdev)
{
	if (!d->opens && d->claim_rdev != rdev)
		close_claim(d);
}

void share_opened(struct device *d, dev_t rdev)
{
	d->opens++;
	d->open_rdev = rdev;
}

void share_closed(struct device *d, unsigned int nr)
{
	d->opens -= nr < d->opens ? nr : d->opens;
	if (d->opens)
		return;
	if (d->stanza.exclusive != VSYS_EXCLUSIVE_ATTACH)
		close_claim(d);
	opens_serve(d->domain->sup);
}

void share_released(struct device *d)
{
	d->era++;
	loop_timer_clear(d->domain->sup->loop, &d->ping_timer);
	d->pinged = false;
	share_closed(d, d->opens);
}

const char *share_use(const struct device *d)
{
	static char text[32];
	int before = opens_before(d);

	if (before >= 0) {
		snprintf(text, sizeof(text), "waits %d", before);
		return text;
	}
	return is_exclusive(d) && holds(d) ? "holds" : "";
}
