// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-vsys-worker - the data plane of xen-vsys for one guest domain.
 *
 * Started by xen-vsysd, never by hand: xen-vsys-worker DOMID [CAPABILITIES], with
 * descriptor 3 connected to the supervisor (../ipc.h).  It maps the rings and pools of the
 * domain's devices, takes requests, makes the native calls on descriptors that
 * the supervisor opens for it, and answers.
 *
 * It deliberately does not: read or write XenStore, open files, know the names
 * of devices, or outlive its supervisor.  When it dies, of whatever cause, only
 * the devices of this one domain are concerned.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "../caps.h"
#include "../log.h"
#include "executor.h"
#include "privileges.h"
#include "worker.h"

static int parse_domid(const char *s, uint32_t *domid)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || errno || n >= 0x7ff0)	/* DOMID_FIRST_RESERVED */
		return -1;
	*domid = n;
	return 0;
}

static bool has_supervisor(void)
{
	socklen_t len = sizeof(int);
	int type;

	return getsockopt(VSYS_IPC_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	       type == SOCK_SEQPACKET;
}

/* Whether this kernel's page tables are Xen's matter. */
static bool is_pv(void)
{
	char type[8] = "";
	FILE *f = fopen("/sys/hypervisor/guest_type", "r");
	bool pv = !f || !fgets(type, sizeof(type), f) || !strncmp(type, "PV\n", 3);

	if (f)
		fclose(f);
	return pv;
}

static uint64_t executor_caps;

static int confine_executor(void)
{
	int err = privileges_use(executor_caps);

	return err ? err : executor_filter();
}

int main(int argc, char **argv)
{
	static struct worker worker;
	struct transport *transport;
	char jail[64];
	uint64_t caps = 0;
	const char *bad;
	uint32_t domid;
	bool executors;

	if (argc < 2 || argc > 3 || parse_domid(argv[1], &domid) < 0 ||
	    (argc == 3 && caps_parse(argv[2], &caps, &bad) < 0)) {
		fprintf(stderr, "usage: xen-vsys-worker DOMID [CAPABILITIES] (started by xen-vsysd)\n");
		return 2;
	}
	if (!has_supervisor()) {
		fprintf(stderr, "xen-vsys-worker: started by xen-vsysd, not by hand\n");
		return 2;
	}
	log_init_from_environment("xen-vsys-worker");

	/* Natively these would go to the guest's program, if to anybody. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);

	transport = transport_xen_open(domid);
	if (!transport || worker_init(&worker, transport, VSYS_IPC_FD) < 0)
		return 1;
	worker.maps = !is_pv();
	/* Without executors there is no ioctl, but all else; why was logged. */
	executors = executors_prepare(&worker.executors,
				      open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC)) == 0;
	executor_caps = caps;
	snprintf(jail, sizeof(jail), "%s/%u", VSYS_JAIL_DIR, domid);
	if (privileges_enter(jail) < 0 || privileges_change(domid, caps) < 0)
		return 1;
	if (executors)
		executors_start(&worker.executors, &worker.uring, confine_executor);
	if (privileges_confine() < 0)
		return 1;

	while (worker_round(&worker, -1))
		;
	/*
	 * The supervisor is gone.  The kernel ends what is in flight, and then
	 * unmaps and closes, in that order and without waiting for us.
	 */
	return 0;
}
