// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * report.c - table, JSON and bounds; why the bounds are those is in
 * docs/performance.md.
 */
#include "growth.h"

/* Bounds. */
#define GROWTH_CPU	2.0	/* times what it is at 64 */
#define GROWTH_TIME	3.0
#define GROWTH_LATENCY	4.0
#define GROWTH_REQUESTS	1.1
#define SUP_KIB		24.0	/* of each device */
#define SUP_KIB_ALL	512.0	/* ... and once */
#define SUP_FDS_GUEST	2u
#define SUP_THREADS	16u
#define WORKER_THREADS	8.0
#define IDLE_WAKEUPS	8.0	/* per second, of all together */
#define LEFT_KIB	256.0
#define LEFT_KIB_EACH	1.0
#define AGAIN_KIB	128.0

static unsigned int total(const struct result *r)
{
	return r->guests * r->devices;
}

static double each(const struct result *r, double value)
{
	return value / total(r);
}

/* Microseconds of each device. */
static double us(const struct result *r, double seconds)
{
	return each(r, seconds * 1e6);
}

static double of_worker(const struct result *r, double value)
{
	return value / r->guests;
}

static double sup_memory(const struct result *r)
{
	return each(r, r->sup.private - r->start.private);
}

void report_table(const struct result *r, unsigned int nr, const char *title)
{
	const struct result *e = r + nr, *i;

	printf("%s\n", title);
	printf("  attach     all ms  each us | CPU us: daemon  workers | requests | open us\n");
	for (i = r; i < e; i++)
		printf("  %6u  %9.0f  %7.0f | %14.0f  %7.0f | %8.1f | %7.0f\n", total(i),
		       i->attach_s * 1e3, us(i, i->attach_s), us(i, i->attach_sup_cpu),
		       us(i, i->attach_worker_cpu), each(i, i->attach_requests), us(i, i->open_s));
	printf("  memory   daemon KiB: start  each  end  again | worker: PSS  private"
	       " | files: daemon  worker | threads\n");
	for (i = r; i < e; i++)
		printf("  %6u  %18ld  %4.1f  %3ld  %5ld | %11.0f  %7.0f | %13u  %6.0f | %u  %.0f\n",
		       total(i), i->start.private, sup_memory(i),
		       i->end.private - i->start.private, i->again.private - i->start.private,
		       of_worker(i, i->workers.pss),
		       of_worker(i, i->workers.private), i->sup.fds, of_worker(i, i->workers.fds),
		       i->sup.threads, of_worker(i, i->workers.threads));
	printf("  work     wakeups/s: daemon  workers | one: us  depth 16/s | all: /s  CPU us\n");
	for (i = r; i < e; i++)
		printf("  %6u  %18.1f  %7.1f | %7.1f  %10.0f | %7.0f  %6.2f\n", total(i),
		       i->idle_sup, i->idle_workers, i->one_ns / 1e3, i->one_rate, i->all_rate,
		       i->all_cpu_us);
	printf("  detach     all ms  each us  CPU us  requests | domain's end: each us  CPU us"
	       "  requests\n");
	for (i = r; i < e; i++)
		printf("  %6u  %9.0f  %7.0f  %6.0f  %8.1f | %21.0f  %6.0f  %8.1f\n", total(i),
		       i->detach_s * 1e3, us(i, i->detach_s), us(i, i->detach_sup_cpu),
		       each(i, i->detach_requests), of_worker(i, i->release_s * 1e6),
		       of_worker(i, i->release_sup_cpu * 1e6),
		       of_worker(i, i->release_requests));
	printf("\n");
}

static void json_measure(FILE *out, const char *name, const struct measure *m)
{
	fprintf(out, "     \"%s\": {\"processes\": %u, \"threads\": %u, \"fds\": %u, "
		"\"rss_kib\": %ld, \"pss_kib\": %ld, \"private_kib\": %ld},\n", name,
		m->processes, m->threads, m->fds, m->rss, m->pss, m->private);
}

static void json_one(FILE *out, const struct result *r)
{
	fprintf(out, "    {\"guests\": %u, \"devices\": %u,\n", r->guests, r->devices);
	json_measure(out, "daemon_start", &r->start);
	json_measure(out, "daemon", &r->sup);
	json_measure(out, "daemon_end", &r->end);
	json_measure(out, "daemon_again", &r->again);
	json_measure(out, "workers", &r->workers);
	fprintf(out, "     \"attach\": {\"s\": %.6f, \"daemon_cpu_s\": %.6f, "
		"\"workers_cpu_s\": %.6f, \"requests\": %lu},\n", r->attach_s,
		r->attach_sup_cpu, r->attach_worker_cpu, r->attach_requests);
	fprintf(out, "     \"open\": {\"s\": %.6f, \"daemon_cpu_s\": %.6f},\n", r->open_s,
		r->open_sup_cpu);
	fprintf(out, "     \"idle_wakeups_per_s\": {\"daemon\": %.1f, \"workers\": %.1f},\n",
		r->idle_sup, r->idle_workers);
	fprintf(out, "     \"one\": {\"latency_us\": %.2f, \"depth_16_per_s\": %.0f},\n",
		r->one_ns / 1e3, r->one_rate);
	fprintf(out, "     \"all\": {\"per_s\": %.0f, \"worker_cpu_us\": %.3f},\n", r->all_rate,
		r->all_cpu_us);
	fprintf(out, "     \"detach\": {\"s\": %.6f, \"daemon_cpu_s\": %.6f, \"requests\": %lu},\n",
		r->detach_s, r->detach_sup_cpu, r->detach_requests);
	fprintf(out, "     \"domain_end\": {\"s\": %.6f, \"daemon_cpu_s\": %.6f, "
		"\"requests\": %lu},\n", r->release_s, r->release_sup_cpu, r->release_requests);
	fprintf(out, "     \"left\": {\"processes\": %u, \"nodes\": %u, \"watches\": %u, "
		"\"directories\": %u, \"bad_answers\": %u, \"status\": %d}}", r->left_processes,
		r->left_nodes, r->left_watches, r->left_jails, r->bad_answers, r->status);
}

void report_json(FILE *out, const struct result *r, unsigned int nr, const char *name)
{
	unsigned int i;

	fprintf(out, "  \"%s\": [\n", name);
	for (i = 0; i < nr; i++) {
		json_one(out, &r[i]);
		fprintf(out, "%s\n", i + 1 < nr ? "," : "");
	}
	fprintf(out, "  ]");
}

/* --- bounds --------------------------------------------------------------- */

static unsigned int broken;

static void at_most(const struct result *r, const char *what, double value, double most)
{
	if (value <= most)
		return;
	printf("%u guests, %u devices: %s: %.2f is more than %.2f\n", r->guests, r->devices, what,
	       value, most);
	broken++;
}

/* Of one device in r, as against one in base. */
static void grows(const struct result *r, const struct result *base, const char *what,
		  double value, double base_value, double times)
{
	at_most(r, what, each(r, value), times * each(base, base_value));
}

static void grows_us(const struct result *r, const struct result *base, const char *what,
		     double seconds, double base_seconds, double times)
{
	at_most(r, what, us(r, seconds), times * us(base, base_seconds));
}

static void judge_left(const struct result *r)
{
	at_most(r, "processes left", r->left_processes, 0);
	at_most(r, "nodes left", r->left_nodes, 0);
	at_most(r, "watches left", r->left_watches, 0);
	at_most(r, "directories left", r->left_jails, 0);
	at_most(r, "descriptors left", r->end.fds - (double)r->start.fds, 0);
	at_most(r, "wrong answers", r->bad_answers, 0);
	at_most(r, "status of the daemon", r->status, 0);
	at_most(r, "KiB of the daemon left", r->end.private - r->start.private,
		LEFT_KIB + LEFT_KIB_EACH * total(r));
	at_most(r, "KiB of the daemon left by a second time", r->again.private - r->end.private,
		AGAIN_KIB);
}

static void judge_counts(const struct result *r)
{
	at_most(r, "KiB of the daemon, each", sup_memory(r), SUP_KIB + SUP_KIB_ALL / total(r));
	at_most(r, "descriptors of the daemon", r->sup.fds - (double)r->start.fds,
		SUP_FDS_GUEST * r->guests);
	at_most(r, "threads of the daemon", r->sup.threads, r->start.threads + SUP_THREADS);
	at_most(r, "threads of a worker", of_worker(r, r->workers.threads), WORKER_THREADS);
	at_most(r, "wakeups of idle workers", r->idle_workers, IDLE_WAKEUPS);
	at_most(r, "wakeups of the idle daemon", r->idle_sup, IDLE_WAKEUPS);
}

static void judge_growth(const struct result *r, const struct result *base, bool counts_only)
{
	grows(r, base, "XenStore requests to attach", r->attach_requests, base->attach_requests,
	      GROWTH_REQUESTS);
	grows(r, base, "XenStore requests to detach", r->detach_requests, base->detach_requests,
	      GROWTH_REQUESTS);
	if (counts_only)
		return;
	grows_us(r, base, "CPU time of the daemon to attach, in us", r->attach_sup_cpu,
		 base->attach_sup_cpu, GROWTH_CPU);
	grows_us(r, base, "CPU time of the workers to attach, in us", r->attach_worker_cpu,
		 base->attach_worker_cpu, GROWTH_CPU);
	grows_us(r, base, "time to attach, in us", r->attach_s, base->attach_s, GROWTH_TIME);
	grows_us(r, base, "CPU time of the daemon to open, in us", r->open_sup_cpu,
		 base->open_sup_cpu, GROWTH_CPU);
	grows_us(r, base, "CPU time of the daemon to detach, in us", r->detach_sup_cpu,
		 base->detach_sup_cpu, GROWTH_CPU);
	grows_us(r, base, "time to detach, in us", r->detach_s, base->detach_s, GROWTH_TIME);
	at_most(r, "latency of one request, in us", r->one_ns / 1e3,
		GROWTH_LATENCY * base->one_ns / 1e3);
	at_most(r, "CPU time of a request, in us", r->all_cpu_us, GROWTH_CPU * base->all_cpu_us);
}

/* The last is compared with what has 64 devices, or with the one before. */
unsigned int report_judge(const struct result *r, unsigned int nr, bool counts_only)
{
	const struct result *last = &r[nr - 1], *base = last - 1;
	unsigned int i;

	broken = 0;
	while (base > r && total(base) > 64)
		base--;
	for (i = 0; i < nr; i++) {
		judge_left(&r[i]);
		judge_counts(&r[i]);
	}
	judge_growth(last, base, counts_only);
	return broken;
}
