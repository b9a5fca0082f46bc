/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * template.h - the first of a domain's executors, of which all others are made.
 */
#ifndef VSYS_TEMPLATE_H
#define VSYS_TEMPLATE_H

#include <signal.h>
#include <stddef.h>
#include <sys/types.h>

#include "executor.h"

#define KICK_SIGNAL	SIGUSR1
#define SLOTS_SIZE	((size_t)MACHINE_MAX * MACHINE_SLOT_AREA)
#define RESULTS_SIZE	((size_t)MACHINE_MAX * MACHINE_RESULT_AREA)

/* Where an executor has its slot, and the nth of its results. */
static inline uint64_t slot_address(unsigned int executor, unsigned int lane, enum lane_thread thread)
{
	return MACHINE_SLOTS + (uint64_t)executor * MACHINE_SLOT_AREA +
	       (uint64_t)lane * MACHINE_LANE_SIZE +
	       (thread == LANE_CALL ? MACHINE_AGENT_SLOTS * MACHINE_SLOT_SIZE : 0);
}

static inline uint64_t result_address(unsigned int executor, unsigned int nth)
{
	return MACHINE_RESULTS + (uint64_t)executor * MACHINE_RESULT_AREA +
	       (uint64_t)nth * MACHINE_RESULT_SIZE;
}

/*
 * In the child that is to be the template: lays out its memory, takes off what a
 * guest's calls must not find, and waits for jobs.  It does not return; an error has
 * been logged.
 */
__attribute__((noreturn))
void template_run(const struct executors *e, pid_t parent, int (*confine)(void));

#endif /* VSYS_TEMPLATE_H */
