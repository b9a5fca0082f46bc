// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ctl-request.c - what can be asked on the control socket; see ctl.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "ctl-request.h"
#include "kv.h"
#include "registry.h"
#include "share.h"
#include "supervisor.h"

void ctl_request_init(struct ctl_request *r, const char *line)
{
	char *rest, *word;

	memset(r, 0, sizeof(*r));
	snprintf(r->line, sizeof(r->line), "%s", line);
	rest = r->line;
	/* A word may be empty. */
	while ((word = strsep(&rest, " "))) {
		if (r->nr == CTL_WORDS || !kv_decode(word)) {
			r->malformed = true;
			return;
		}
		r->word[r->nr++] = word;
	}
}

/* --- answers ---------------------------------------------------------- */

static bool ok(FILE *out)
{
	fputs("ok\n", out);
	return true;
}

static bool failed(FILE *out, const struct fault *f)
{
	fprintf(out, "error %s\n", f->text);
	return true;
}

static void put_device(FILE *out, const struct device *d, bool stat)
{
	const struct vsys_counters *c = &d->counters;
	char caps[CAPS_TEXT];
	bool first = true;

	fputs("data ", out);
	kv_write(out, &first, "domain", "%s", d->domain->name ? d->domain->name : "");
	kv_write(out, &first, "domid", "%u", d->domain->domid);
	kv_write(out, &first, "devid", "%u", d->devid);
	kv_write(out, &first, "name", "%s", d->stanza.name);
	kv_write(out, &first, "dev", "%s", d->stanza.dev);
	kv_write(out, &first, "class", "%s", vsys_class_name(d->native.class));
	kv_write(out, &first, "mode", "%s", vsys_mode_name(d->stanza.mode));
	kv_write(out, &first, "ioctl", "%s", d->stanza.ioctl);
	kv_write(out, &first, "state", "%s", device_state_name(d));
	kv_write(out, &first, "reason", "%s", d->reason);
	kv_write(out, &first, "exclusive", "%s", vsys_exclusive_name(d->stanza.exclusive));
	kv_write(out, &first, "use", "%s", share_use(d));
	kv_write(out, &first, "handles", "%llu", (unsigned long long)c->handles);
#define PUT(name) kv_write(out, &first, #name, "%llu", (unsigned long long)c->name)
	if (stat) {
		kv_write(out, &first, "payload", "%s", vsys_payload_name(d->stanza.payload));
		caps_format(d->stanza.caps, caps, sizeof(caps));
		kv_write(out, &first, "caps", "%s", caps);
		PUT(requests);
		PUT(responses);
		PUT(events_in);
		PUT(events_out);
		PUT(bytes_read);
		PUT(bytes_written);
		PUT(copies);
		PUT(grant_maps);
		PUT(grant_unmaps);
		PUT(errors);
		PUT(calls);
		PUT(faults);
		PUT(denied);
	}
#undef PUT
	fputc('\n', out);
}

/* --- what the words mean ---------------------------------------------- */

static struct domain *lookup(struct supervisor *sup, const char *text)
{
	struct domain *dom;
	uint32_t domid;

	if (!vsys_schema_u32(text, 0, UINT32_MAX, false, &domid))
		return supervisor_domain(sup, domid);
	TAILQ_FOREACH(dom, &sup->domains, link)
		if (dom->name && !strcmp(dom->name, text))
			return dom;
	return NULL;
}

/* It may have been created or named a moment ago. */
static struct domain *find_domain(struct supervisor *sup, const char *text, struct fault *f)
{
	struct domain *dom = lookup(sup, text);

	if (!dom) {
		supervisor_scan(sup);
		TAILQ_FOREACH(dom, &sup->domains, link)
			if (!dom->name)
				domain_name_changed(dom);
		dom = lookup(sup, text);
	}
	if (!dom)
		fault(f, -ESRCH, "domain '%s' does not exist", text);
	return dom;
}

static struct device *find_device(struct domain *dom, const char *text, struct fault *f)
{
	struct device *d = domain_find_device(dom, text);

	if (!d)
		fault(f, -ENODEV, "domain '%s' has no device '%s'",
		      dom->name ? dom->name : "?", text);
	return d;
}

static int seconds(const char *text, int *ms, struct fault *f)
{
	uint32_t value;

	if (vsys_schema_u32(text, 0, 86400, false, &value))
		return fault(f, -EINVAL, "'%s' is not a number of seconds", text);
	*ms = value * 1000;
	return 0;
}

static struct device *awaited(struct ctl_request *r, struct supervisor *sup)
{
	struct domain *dom = supervisor_domain_by_serial(sup, r->domain);

	return dom ? domain_device(dom, r->devid) : NULL;
}

/* --- attach ----------------------------------------------------------- */

static bool attach_done(struct ctl_request *r, struct supervisor *sup, FILE *out)
{
	struct device *d = awaited(r, sup);
	struct fault f;

	if (!d) {
		fault(&f, -ENODEV, "the device was detached");
	} else if (d->failed) {
		fault(&f, -EIO, "%s", d->reason);
		/* Nobody else could have it, for nothing. */
		if (d->stanza.exclusive == VSYS_EXCLUSIVE_ATTACH)
			device_detach(d);
	} else if (d->state == DEV_CONNECTED && d->front == FRONT_CONNECTED) {
		return ok(out);
	} else if (r->late) {
		fault(&f, -ETIMEDOUT, "the guest did not connect device '%s' within %s s",
		      d->stanza.name, r->word[3]);
	} else {
		return false;
	}
	return failed(out, &f);
}

/* Nobody waits for the guest; but this domain's own users may be in the way. */
static bool attach_claimed(struct ctl_request *r, struct supervisor *sup, FILE *out)
{
	struct device *d = awaited(r, sup);
	struct fault f;

	if (!d) {
		fault(&f, -ENODEV, "the device was detached");
		return failed(out, &f);
	}
	if (d->failed) {
		fault(&f, -EBUSY, "%s", d->reason);
		device_detach(d);
		return failed(out, &f);
	}
	if (d->claiming && !r->late)
		return false;
	put_device(out, d, false);
	return ok(out);
}

static bool run_attach(struct ctl_request *r, struct supervisor *sup, FILE *out)
{
	struct domain *dom;
	struct device *d;
	struct fault f;

	if (r->started)
		return r->nr < 4 ? attach_claimed(r, sup, out) : attach_done(r, sup, out);
	if (r->nr == 4 && seconds(r->word[3], &r->wait_ms, &f))
		return failed(out, &f);
	dom = find_domain(sup, r->word[1], &f);
	if (!dom)
		return failed(out, &f);
	if (dom->down) {
		/* Somebody looks after it now. */
		dom->down = false;
		memset(dom->deaths, 0, sizeof(dom->deaths));
	}
	d = domain_attach(dom, r->word[2], ORIGIN_COMMAND, "command line", &f);
	if (!d)
		return failed(out, &f);
	r->started = true;
	r->domain = dom->serial;
	r->devid = d->devid;
	if (r->nr == 4)
		return attach_done(r, sup, out);
	r->wait_ms = 2 * LIMIT_CLAIM_MS;
	return attach_claimed(r, sup, out);
}

/* --- detach ----------------------------------------------------------- */

static bool detach_done(struct ctl_request *r, struct supervisor *sup, FILE *out)
{
	struct device *d = awaited(r, sup);
	struct fault f;

	if (!d)
		return ok(out);
	if (!r->late)
		return false;
	fault(&f, -ETIMEDOUT, "device '%s' is still being closed", d->stanza.name);
	return failed(out, &f);
}

static bool run_detach(struct ctl_request *r, struct supervisor *sup, FILE *out)
{
	struct domain *dom;
	struct device *d;
	struct fault f;

	if (r->started)
		return detach_done(r, sup, out);
	dom = find_domain(sup, r->word[1], &f);
	d = dom ? find_device(dom, r->word[2], &f) : NULL;
	if (!d)
		return failed(out, &f);
	r->started = true;
	r->domain = dom->serial;
	r->devid = d->devid;
	r->wait_ms = LIMIT_DETACH_MS + LIMIT_DOWN_MS + LIMIT_EXIT_MS;
	device_detach(d);
	return detach_done(r, sup, out);
}

/* --- list, stat ------------------------------------------------------- */

struct scope {
	struct domain *dom;	/* NULL: all */
	struct device *dev;
};

static bool in_scope(const struct scope *s, const struct device *d)
{
	return (!s->dom || s->dom == d->domain) && (!s->dev || s->dev == d);
}

/* Asks all devices, or looks whether all have answered. */
static bool counters_are_here(struct supervisor *sup, const struct scope *s, bool ask)
{
	struct domain *dom;
	struct device *d;
	bool here = true;

	TAILQ_FOREACH(dom, &sup->domains, link) {
		TAILQ_FOREACH(d, &dom->devices, link) {
			if (!in_scope(s, d))
				continue;
			if (ask)
				device_ask_stats(d);
			if (d->stats_asked)
				here = false;
		}
	}
	return here;
}

static bool run_list(struct ctl_request *r, struct supervisor *sup, FILE *out)
{
	bool stat = !strcmp(r->word[0], "stat");
	struct scope s = { 0 };
	struct domain *dom;
	struct device *d;
	struct fault f;

	if (r->nr > 1 && !(s.dom = find_domain(sup, r->word[1], &f)))
		return failed(out, &f);
	if (r->nr > 2 && !(s.dev = find_device(s.dom, r->word[2], &f)))
		return failed(out, &f);
	if (!counters_are_here(sup, &s, !r->started) && !r->late) {
		r->started = true;
		r->wait_ms = LIMIT_STATS_MS;
		return false;
	}
	TAILQ_FOREACH(dom, &sup->domains, link)
		TAILQ_FOREACH(d, &dom->devices, link)
			if (in_scope(&s, d))
				put_device(out, d, stat);
	return ok(out);
}

/* --- create ----------------------------------------------------------- */

static bool run_register(struct ctl_request *r, struct supervisor *sup, FILE *out)
{
	struct config *c;
	bool first = true;
	struct fault f;
	int err;

	if (*r->word[1] != '/') {
		fault(&f, -EINVAL, "'%s' is not an absolute path", r->word[1]);
		return failed(out, &f);
	}
	if (config_read(&c, r->word[1], &f))
		return failed(out, &f);
	if (!c->name)
		err = fault(&f, -EINVAL, "%s: there is no name=", c->file);
	else
		err = registry_add(sup->config.registry, c->name, c->file, &f);
	if (err) {
		config_free(c);
		return failed(out, &f);
	}
	fputs("data ", out);
	kv_write(out, &first, "name", "%s", c->name);
	fputc('\n', out);
	config_free(c);
	return ok(out);
}

static bool run_configured(struct ctl_request *r, struct supervisor *sup, FILE *out)
{
	struct domain *dom;
	unsigned int i;
	struct fault f;

	if (!r->started && seconds(r->word[2], &r->wait_ms, &f))
		return failed(out, &f);
	dom = r->started && !r->late ? lookup(sup, r->word[1]) :
				       find_domain(sup, r->word[1], &f);
	r->started = true;
	if (!dom || !dom->configured)
		return r->late ? failed(out, &f) : false;
	for (i = 0; i < dom->nr_faults; i++) {
		bool first = true;

		fputs("data ", out);
		kv_write(out, &first, "fault", "%s", dom->faults[i]);
		fputc('\n', out);
	}
	return ok(out);
}

static bool run_version(struct ctl_request *r, struct supervisor *sup, FILE *out)
{
	bool first = true;

	(void)r;
	(void)sup;
	fputs("data ", out);
	kv_write(out, &first, "version", "%s", VSYS_VERSION);
	fputc('\n', out);
	return ok(out);
}

static const struct {
	const char *name;
	unsigned int least, most;	/* words, with the name */
	bool (*run)(struct ctl_request *r, struct supervisor *sup, FILE *out);
} requests[] = {
	{ "attach", 3, 4, run_attach },
	{ "detach", 3, 3, run_detach },
	{ "list", 1, 2, run_list },
	{ "stat", 2, 3, run_list },
	{ "register", 2, 2, run_register },
	{ "configured", 3, 3, run_configured },
	{ "version", 1, 1, run_version },
};

bool ctl_request_run(struct ctl_request *r, struct supervisor *sup, FILE *out)
{
	struct fault f;

	for (size_t i = 0; !r->malformed && r->nr && i < sizeof(requests) / sizeof(requests[0]); i++)
		if (!strcmp(requests[i].name, r->word[0]) && r->nr >= requests[i].least &&
		    r->nr <= requests[i].most)
			return requests[i].run(r, sup, out);
	fault(&f, -EINVAL, "the request is malformed or unknown");
	return failed(out, &f);
}
