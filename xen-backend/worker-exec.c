// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * worker-exec.c - starts the programs of workers and port executors; see worker-exec.h.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>

#include "caps.h"
#include "ipc.h"
#include "log.h"
#include "worker-exec.h"

/*
 * The child has standard error, its socket and nothing else: whatever else is
 * open here is closed by exec, and what is not is closed before it.
 */
static int spawn(char *const argv[], int socket, pid_t *pid)
{
	char *envp[4] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin" };
	const char *const *log_env = log_environment();
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int err, i;

	for (i = 0; i < 2 && log_env[i]; i++)
		envp[i + 1] = (char *)log_env[i];
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	/* Also clears close-on-exec if the two are the same. */
	posix_spawn_file_actions_adddup2(&actions, socket, VSYS_IPC_FD);
	posix_spawn_file_actions_addclosefrom_np(&actions, VSYS_IPC_FD + 1);
	err = posix_spawn(pid, argv[0], &actions, &attr, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -err;
}

int worker_exec(const char *program, uint32_t domid, uint64_t caps, int socket, pid_t *pid)
{
	char number[16], names[CAPS_TEXT];
	char *argv[] = { (char *)program, number, caps ? names : NULL, NULL };

	snprintf(number, sizeof(number), "%u", domid);
	caps_format(caps, names, sizeof(names));
	return spawn(argv, socket, pid);
}

int ports_exec(const char *program, uint32_t domid, const struct ioport_range *ports, int socket,
	       pid_t *pid)
{
	char number[16], first[8], last[8];
	char *argv[] = { (char *)program, number, first, last, NULL };

	snprintf(number, sizeof(number), "%u", domid);
	snprintf(first, sizeof(first), "%u", ports->first);
	snprintf(last, sizeof(last), "%u", ports->last);
	return spawn(argv, socket, pid);
}
