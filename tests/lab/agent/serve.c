// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Server: waits for clients on TCP ports and virtio-serial ports and gives
 * each a session process. Written to be process 1: it reaps whatever is
 * reparented to it and never exits.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

#define PORT_WAIT_MS	20000
#define PORT_CLASS	"/sys/class/virtio-ports"

static void serve_tcp(const char *port) __attribute__((noreturn));
static void serve_port(const char *name) __attribute__((noreturn));

static void serve_tcp(const char *port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_ANY),
	};
	int on = 1, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(s, (struct sockaddr *)&addr, sizeof(addr)) || listen(s, 64))
		die("port %s: %s", port, strerror(errno));
	for (;;) {
		int conn = accept4(s, NULL, NULL, SOCK_CLOEXEC);

		if (conn < 0)
			continue;
		if (fork() == 0) {
			tune_tcp(conn);
			session_run(conn);
		}
		close(conn);
	}
}

/* The device node of the virtio-serial port with that name, or 0. */
static int port_find(const char *name, char *path, size_t size)
{
	DIR *dir = opendir(PORT_CLASS);
	struct dirent *e;
	int found = 0;

	while (dir && !found && (e = readdir(dir))) {
		char file[512], line[128] = "";
		FILE *f;

		snprintf(file, sizeof(file), PORT_CLASS "/%s/name", e->d_name);
		f = fopen(file, "re");
		if (!f)
			continue;
		if (fgets(line, sizeof(line), f)) {
			line[strcspn(line, "\n")] = '\0';
			found = !strcmp(line, name);
		}
		fclose(f);
		if (found)
			snprintf(path, size, "/dev/%s", e->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Until the host's end is connected poll() says POLLHUP at once; sleep till
 * the driver's SIGIO tells of a change, with a limit in case it came before.
 */
static void port_await_host(int fd)
{
	struct timespec limit = { .tv_nsec = 500 * 1000 * 1000 };
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	sigset_t io;

	sigemptyset(&io);
	sigaddset(&io, SIGIO);
	sigprocmask(SIG_BLOCK, &io, NULL);
	fcntl(fd, F_SETOWN, getpid());
	fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC);
	for (;;) {
		poll(&pfd, 1, -1);
		if (!(pfd.revents & POLLHUP) && (pfd.revents & POLLIN))
			break;
		sigtimedwait(&io, NULL, &limit);
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void serve_port(const char *name)
{
	long long limit = now_ms() + PORT_WAIT_MS;
	char path[300];
	int fd;

	while (!port_find(name, path, sizeof(path))) {
		if (now_ms() > limit)
			die("no virtio-serial port %s", name);
		usleep(20000);
	}
	while ((fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)) < 0) {
		if (now_ms() > limit)
			die("%s: %s", path, strerror(errno));
		usleep(20000);
	}
	for (;;) {
		pid_t pid;

		port_await_host(fd);
		pid = fork();
		if (pid == 0)
			session_run(fd);
		waitpid(pid, NULL, 0);
	}
}

int serve(int n, char **endpoints)
{
	int i;

	/* Reaps without a loop, orphans too. */
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < n; i++) {
		const char *e = endpoints[i];

		if (fork() != 0)
			continue;
		if (!strncmp(e, "tcp:", 4))
			serve_tcp(e + 4);
		else if (!strncmp(e, "port:", 5))
			serve_port(e + 5);
		die("%s is neither tcp:PORT nor port:NAME", e);
	}
	for (;;)
		pause();
}
