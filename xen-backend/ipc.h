/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ipc.h - what the supervisor (xen-vsysd) and a domain's worker tell each other.
 *
 * A SOCK_SEQPACKET pair, descriptor VSYS_IPC_FD in the worker.  One message is
 * one struct vsys_ipc of fixed size; IPC_OPENED carries the native descriptor
 * as SCM_RIGHTS, IPC_CONNECT with u.connect.ioctl the policy (policy-table.h), with
 * u.connect.ports the socket of the port executor (ports/batch.h).  The two trust
 * each other only this far: the supervisor checks everything that a worker says (a
 * guest may have taken it over), the worker believes the supervisor.
 *
 * It is not the wire ABI of guests (include/xen/io/vsysif.h), and it never
 * leaves this machine: both programs are of one build.
 */
#ifndef VSYS_IPC_H
#define VSYS_IPC_H

#include <stdint.h>
#include <xen/io/vsysif.h>

#define VSYS_IPC_FD		3
/* In it is for each domain the root directory of its worker: jail.h. */
#define VSYS_JAIL_DIR		"/dev/xen-vsys"
/* Of domain 0; the user of domain N is N more.  Outside of what distributions give out. */
#define VSYS_BASE_UID		0x70560000u
/* The same, of port executors: no worker may look into one. */
#define VSYS_PORTS_UID		(VSYS_BASE_UID + 0x8000u)
#define VSYS_IPC_REASON		192
#define VSYS_IPC_MAX_QUEUES	8	/* what this back-end offers */

enum vsys_ipc_type {
	/* supervisor to worker */
	IPC_CONNECT = 1,	/* map rings and pool, bind, start: answer UP or FAILED */
	IPC_DISCONNECT,		/* stop, close every handle, unmap: answer DOWN */
	IPC_OPENED,		/* answer to OPEN: error, or a descriptor comes along */
	IPC_STATS,		/* ask for counters: answer COUNTERS */
	/* worker to supervisor */
	IPC_UP = 16,		/* connected: the device may go to Connected */
	IPC_FAILED,		/* the peer broke the protocol, or could not be
				 * connected; the worker holds nothing of the device
				 * any more; reason says why */
	IPC_DOWN,		/* disconnected: the worker holds nothing any more */
	IPC_OPEN,		/* open the device's native node with oflags */
	IPC_OPEN_CANCEL,	/* the guest interrupted that open */
	IPC_CLOSED,		/* what an OPENED brought has been closed */
	IPC_COUNTERS,
	/* Both ways, of no device: how many pages drivers have pinned, and the answer. */
	IPC_PINS,
};

struct vsys_ipc_queue {
	uint32_t ring_ref[1u << VSYS_MAX_RING_PAGE_ORDER];
	uint32_t event_channel;
	uint32_t pool_ref;
};

/* Counters of one device since it connected. */
struct vsys_counters {
	uint64_t requests;		/* taken from the rings */
	uint64_t responses;
	uint64_t events_in;		/* event channel notifications received */
	uint64_t events_out;		/* ... and sent */
	uint64_t bytes_read;
	uint64_t bytes_written;
	uint64_t copies;		/* of data, made by the worker itself */
	uint64_t grant_maps;		/* pages mapped */
	uint64_t grant_unmaps;
	uint64_t errors;		/* responses with a negative status */
	uint64_t calls;			/* in mirrors: ioctls, and their kin */
	uint64_t faults;		/* pages that their drivers waited for */
	uint64_t denied;		/* commands that the policy does not allow */
	uint64_t handles;		/* open now */
};

struct vsys_ipc {
	uint32_t type;			/* enum vsys_ipc_type */
	uint32_t devid;
	union {
		struct {
			uint32_t domid;
			uint32_t block;		/* 1: a block node, 0: character */
			uint32_t writable;
			uint32_t readable;
			uint32_t sector_size;	/* block: logical, else 1 */
			uint32_t discard;	/* block: DISCARD allowed */
			uint32_t ioctl;		/* feature-ioctl is in use; policy comes along */
			uint32_t poll;		/* feature-poll is in use */
			uint32_t pointers;	/* read and write may carry pointers */
			uint32_t ports;		/* class ports: these, and the executor's
						 * socket comes along */
			uint32_t port_first, port_last;
			uint32_t nr_queues;
			uint32_t ring_page_order;
			uint32_t pool_pages;	/* per queue */
			uint32_t spin_us;	/* the worker looks for requests so long; worker/spin.h */
			struct vsys_ipc_queue queue[VSYS_IPC_MAX_QUEUES];
		} connect;
		struct {
			char reason[VSYS_IPC_REASON];	/* one sentence, terminated */
		} failed;
		struct {
			uint32_t cookie;	/* of the worker, echoed */
			uint32_t oflags;	/* VSYS_O_*; OPENED: VSYS_O_EXCL if it is claimed */
			int32_t error;		/* OPENED: 0 or negative errno */
			uint32_t era;		/* OPENED: of the supervisor, CLOSED: echoed */
		} open;
		struct {
			uint32_t cookie;	/* of the worker, echoed */
			int64_t count;		/* or a negative errno */
		} pins;
		struct vsys_counters counters;
	} u;
};

#endif /* VSYS_IPC_H */
