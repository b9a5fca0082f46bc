// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lab-agent: runs commands in the lab's dom0 (for the host) and in its guests
 * (for dom0). See agent.h for the protocol.
 *
 *	lab-agent serve tcp:PORT|port:NAME...
 *	lab-agent run [options] tcp:ADDRESS:PORT|unix:PATH COMMAND [ARGS...]
 *
 * Called as "poweroff" or "reboot" it does that at once: the kernel calls
 * these when the toolstack asks, and a lab has nothing to write back.
 */
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>

#include "agent.h"

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');

	name = name ? name + 1 : argv[0];
	if (!strcmp(name, "poweroff"))
		return reboot(RB_POWER_OFF) ? 1 : 0;
	if (!strcmp(name, "reboot"))
		return reboot(RB_AUTOBOOT) ? 1 : 0;
	if (argc > 2 && !strcmp(argv[1], "serve"))
		return serve(argc - 2, argv + 2);
	if (argc > 2 && !strcmp(argv[1], "run"))
		return run(argc - 1, argv + 1);
	fputs("usage: lab-agent serve|run ...\n", stderr);
	return 255;
}
