// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * supervisor.c - XenStore's events, and the daemon's start and end;
 * see supervisor.h.
 *
 * What a guest can make happen here is bounded: a turn of the loop takes a
 * limited number of events, each device is at most once in the queue of changes,
 * however often its guest writes, and one device is served per turn.
 */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "jail.h"
#include "limits.h"
#include "log.h"
#include "nodes.h"
#include "record.h"
#include "supervisor.h"

struct domain *supervisor_domain(struct supervisor *sup, uint32_t domid)
{
	struct domain *dom;

	LIST_FOREACH(dom, &sup->by_domid[domid % DOMAIN_BUCKETS], by_domid)
		if (dom->domid == domid)
			return dom;
	return NULL;
}

struct domain *supervisor_domain_by_serial(struct supervisor *sup, uint64_t serial)
{
	struct domain *dom;

	LIST_FOREACH(dom, &sup->by_serial[serial % DOMAIN_BUCKETS], by_serial)
		if (dom->serial == serial)
			return dom;
	return NULL;
}

/* --- which domains there are ------------------------------------------ */

/* How long it took to ask, in ms: that grows with all domains, not with those that died. */
static int forget_dead(struct supervisor *sup)
{
	int64_t start = loop_now_ms();
	struct domain *dom, *next;
	bool any = false;
	int took;

	TAILQ_FOREACH(dom, &sup->domains, link)
		dom->dead = !domain_is_current(dom);
	took = loop_now_ms() - start;
	for (dom = TAILQ_FIRST(&sup->domains); dom; dom = next) {
		next = TAILQ_NEXT(dom, link);
		if (dom->dead) {
			domain_gone(dom);
			any = true;
		}
	}
	/* What many guests needed is not kept for ever; the C library would. */
	if (any)
		malloc_trim(0);
	return took;
}

static void find_new(struct supervisor *sup)
{
	unsigned int nr, i;
	char **names;
	uint32_t domid;

	names = xst_list(sup->xs, "/local/domain", &nr);
	for (i = 0; names && i < nr; i++) {
		if (vsys_parse_frontend_id(names[i], &domid) || domid == BACKEND_DOMID ||
		    supervisor_domain(sup, domid) || !xst_domain_lives(sup->xs, domid))
			continue;
		domain_new(sup, domid);
	}
	free(names);
}

void supervisor_scan(struct supervisor *sup)
{
	int took;

	if (sup->stopping)
		return;
	took = forget_dead(sup);
	if (took >= LIMIT_LOOK_MS)
		sup->next_look = loop_now_ms() + LIMIT_LOOK_SHARE * took;
	find_new(sup);
}

static void look_for_dead(void *arg)
{
	supervisor_scan(arg);
}

/*
 * XenStore says that a domain has died, not which one, so each is asked for.  Where
 * there are many this takes a while; so that it is not all that is done while one after
 * another dies, it is done for a part of the time only.
 */
static void domain_died(struct supervisor *sup)
{
	int64_t now = loop_now_ms();

	if (now >= sup->next_look)
		supervisor_scan(sup);
	else if (!sup->look_timer.set)
		loop_timer_set(sup->loop, &sup->look_timer, sup->next_look - now,
			       look_for_dead, sup);
}

/* --- events ----------------------------------------------------------- */

static void serve_changed(void *arg)
{
	struct supervisor *sup = arg;
	struct device *d = TAILQ_FIRST(&sup->changed);

	if (!d)
		return;
	TAILQ_REMOVE(&sup->changed, d, changed_link);
	d->changed = false;
	if (!TAILQ_EMPTY(&sup->changed))
		loop_timer_set(sup->loop, &sup->changed_work, 0, serve_changed, sup);
	device_front_changed(d);
}

void supervisor_device_changed(struct supervisor *sup, struct device *d)
{
	if (d->changed)
		return;
	d->changed = true;
	TAILQ_INSERT_TAIL(&sup->changed, d, changed_link);
	if (!sup->changed_work.set)
		loop_timer_set(sup->loop, &sup->changed_work, 0, serve_changed, sup);
}

/* What a burst of events was about; one look serves all of them. */
struct news {
	bool introduced, released;
};

/* Tokens are ours; what they name may have gone since. */
static void take_event(struct supervisor *sup, const char *token, struct news *news)
{
	struct domain *dom;
	struct device *d;
	uint64_t serial;
	uint32_t devid;

	if (!strcmp(token, "introduced")) {
		news->introduced = true;
	} else if (!strcmp(token, "released")) {
		news->released = true;
	} else if (sscanf(token, "name %" SCNu64, &serial) == 1) {
		dom = supervisor_domain_by_serial(sup, serial);
		if (dom && !sup->stopping)
			domain_name_changed(dom);
	} else if (sscanf(token, "device %" SCNu64 " %" SCNu32, &serial, &devid) == 2) {
		dom = supervisor_domain_by_serial(sup, serial);
		d = dom ? domain_device(dom, devid) : NULL;
		if (d)
			supervisor_device_changed(sup, d);
	}
}

static void xs_ready(void *arg, uint32_t events)
{
	struct supervisor *sup = arg;
	char token[XST_TOKEN];
	struct news news = { 0 };
	int more = 0;

	(void)events;
	/* What is left keeps the descriptor readable. */
	for (int i = 0; i < LIMIT_XS_BURST && (more = xst_event(sup->xs, token)) > 0; i++)
		take_event(sup, token, &news);
	if (more < 0) {
		log_err("XenStore is gone: %s", strerror(-more));
		sup->lost = true;
		loop_stop(sup->loop);
		return;
	}
	if (sup->stopping)
		return;
	if (news.released)
		domain_died(sup);
	if (news.introduced)
		find_new(sup);
}

/* --- start ------------------------------------------------------------ */

/* Directories of domains that died while no daemon was there. */
static void remove_dead(struct supervisor *sup, const char *format)
{
	char path[XST_PATH];
	unsigned int nr, i;
	char **names;
	uint32_t domid;

	snprintf(path, sizeof(path), format, BACKEND_DOMID);
	names = xst_list(sup->xs, path, &nr);
	for (i = 0; names && i < nr; i++)
		if (!vsys_parse_frontend_id(names[i], &domid) &&
		    !supervisor_domain(sup, domid))
			nodes_remove_domain(sup->xs, domid, false);
	free(names);
}

static void attach_recorded(void *arg, uint32_t domid, const char *vm, const char *stanza)
{
	struct supervisor *sup = arg;
	struct domain *dom = supervisor_domain(sup, domid);
	struct fault f;

	if (dom && !strcmp(dom->vm, vm) &&
	    !domain_attach(dom, stanza, ORIGIN_COMMAND, "attaching it again", &f))
		log_err("%s: %s", domain_label(dom), f.text);
}

int supervisor_start(struct supervisor *sup)
{
	struct domain *dom;
	int err;

	TAILQ_INIT(&sup->domains);
	TAILQ_INIT(&sup->changed);
	TAILQ_INIT(&sup->waiting);
	TAILQ_INIT(&sup->exclusives);
	LIST_INIT(&sup->workers);
	err = xst_watch(sup->xs, "@introduceDomain", "introduced");
	if (!err)
		err = xst_watch(sup->xs, "@releaseDomain", "released");
	if (err) {
		log_err("XenStore: %s", strerror(-err));
		return err;
	}
	sup->xs_event.fd = xst_fd(sup->xs);
	sup->xs_event.ready = xs_ready;
	sup->xs_event.arg = sup;
	err = loop_fd_add(sup->loop, &sup->xs_event, EPOLLIN);
	if (err)
		return err;
	jail_clear(sup->jail_path);
	supervisor_scan(sup);
	remove_dead(sup, "/local/domain/%u/backend/vsys");
	remove_dead(sup, "/local/domain/%u/error/backend/vsys");
	/* What the configuration lists comes first: it may have the same names. */
	TAILQ_FOREACH(dom, &sup->domains, link)
		domain_name_changed(dom);
	record_load(sup->record_path, attach_recorded, sup);
	sup->started = true;
	record_save_all(sup);
	return 0;
}

/* --- end -------------------------------------------------------------- */

static void shut_domain(struct domain *dom)
{
	uint32_t devids[LIMIT_DEVICES];
	unsigned int nr = 0, i;
	struct device *d;

	TAILQ_FOREACH(d, &dom->devices, link)
		if (nr < LIMIT_DEVICES)
			devids[nr++] = d->devid;
	for (i = 0; i < nr; i++) {
		d = domain_device(dom, devids[i]);
		if (d)
			device_shut(d);
	}
}

static bool has_devices(const struct supervisor *sup)
{
	return sup->nr_devices;
}

static void run_until(struct supervisor *sup, bool (*busy)(const struct supervisor *), int ms)
{
	int64_t deadline = loop_now_ms() + ms;

	while (busy(sup) && loop_now_ms() < deadline)
		if (loop_turn(sup->loop, 100) < 0)
			return;
}

static bool has_workers(const struct supervisor *sup)
{
	return !LIST_EMPTY(&sup->workers);
}

void supervisor_stop(struct supervisor *sup)
{
	struct domain *dom;

	sup->stopping = true;
	TAILQ_FOREACH(dom, &sup->domains, link)
		shut_domain(dom);
	run_until(sup, has_devices, 2 * LIMIT_EXIT_MS);
}

void supervisor_free(struct supervisor *sup)
{
	struct domain *dom;
	struct worker *w;

	sup->stopping = true;
	while ((dom = TAILQ_FIRST(&sup->domains)))
		domain_free(dom);
	run_until(sup, has_workers, LIMIT_EXIT_MS / 5);
	LIST_FOREACH(w, &sup->workers, link)
		kill(w->pid, SIGKILL);
	run_until(sup, has_workers, LIMIT_EXIT_MS / 5);
	loop_timer_clear(sup->loop, &sup->changed_work);
	loop_timer_clear(sup->loop, &sup->waiting_timer);
	loop_timer_clear(sup->loop, &sup->look_timer);
	loop_fd_remove(sup->loop, &sup->xs_event);
}
