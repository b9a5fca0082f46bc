/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limits.h - how much of the supervisor one domain, device or client may use.
 *
 * What the protocol itself limits is in <xen/io/vsysif.h>.
 */
#ifndef VSYS_LIMITS_H
#define VSYS_LIMITS_H

#define LIMIT_DEVICES		256	/* of a domain */
#define LIMIT_POOL_PAGES	2048	/* per queue: what the back-end offers */

/*
 * Each open in flight may hold a kernel thread until the device answers.  A guest that
 * starts opens all of its devices at once.
 */
#define LIMIT_OPENS		LIMIT_DEVICES	/* of a domain */

/* A worker that dies more often than this stays down. */
#define LIMIT_RESPAWNS		3
#define LIMIT_RESPAWN_MS	60000

/* Messages read from one worker before others have their turn. */
#define LIMIT_WORKER_BURST	16

/* So often in that time a worker may have the machine's pinned pages counted. */
#define LIMIT_PINS		100
#define LIMIT_PINS_MS		1000

/* Events taken from XenStore before others have their turn. */
#define LIMIT_XS_BURST		64

/* A look for dead domains that took so long is followed by so many times as much of rest. */
#define LIMIT_LOOK_MS		5
#define LIMIT_LOOK_SHARE	9

/* A front-end may start over this often at once, and then once in that time. */
#define LIMIT_REVIVALS		16
#define LIMIT_REVIVAL_MS	250

/*
 * Opens that wait for others are looked at that often; and a claim that this domain's
 * own users are in the way of is tried for so long, for a guest that does not queue.
 */
#define LIMIT_WAIT_MS		200
#define LIMIT_CLAIM_MS		1000

/* A front-end that has not begun is shown its device again after so long, twice that, ... */
#define LIMIT_SHOW_MS		2000
#define LIMIT_SHOWS		5

/* How long the other side may take. */
#define LIMIT_PING_MS		10000	/* front-end, to answer while others wait */
#define LIMIT_DETACH_MS		10000	/* front-end, to close */
#define LIMIT_DOWN_MS		60000	/* worker, to disconnect: close() may drain a line */
#define LIMIT_EXIT_MS		5000	/* worker, to end; guests, when the daemon ends */
#define LIMIT_STATS_MS		2000	/* worker, to send counters */

/* The control socket; its clients are root. */
#define LIMIT_CLIENTS		64
#define LIMIT_LINE		8192

/* Faults of a domain's configuration that are kept for "xen-vsys create". */
#define LIMIT_FAULTS		16
#define LIMIT_CONFIG_SIZE	(1u << 20)

/* Files of a policy: all that it includes, and how deep. */
#define LIMIT_POLICY_LINES	8192
#define LIMIT_POLICY_LINE	256
#define LIMIT_POLICY_DEPTH	8

#endif /* VSYS_LIMITS_H */
