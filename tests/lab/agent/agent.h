/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lab's remote command channel: what both ends share.
 *
 * One connection (a TCP connection dom0 -> guest, or a virtio-serial port
 * host -> dom0) carries one command: the client sends its argument vector and
 * standard input, the server sends standard output, standard error and at last
 * the exit status. All of it travels in one ordered stream of frames, so when
 * the client has the exit status it has every byte of output too.
 *
 * This is a test tool for a closed network: no authentication, no encryption,
 * and both ends are the same build.
 */
#ifndef LAB_AGENT_H
#define LAB_AGENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FRAME_MAX	65536	/* payload bytes */

enum frame_type {
	/* client to server */
	FRAME_ARGV	= 'A',	/* struct argv_head, then NUL-terminated strings */
	FRAME_STDIN	= 'I',	/* data; an empty frame is end of file */
	FRAME_WINSIZE	= 'W',	/* uint16_t rows, columns */
	/* server to client */
	FRAME_STDOUT	= 'O',
	FRAME_STDERR	= 'E',
	FRAME_EXIT	= 'X',	/* uint32_t exit status, as a shell's $? */
};

struct frame_head {
	uint32_t	type;
	uint32_t	len;
};

struct argv_head {
	uint16_t	tty;	/* run it on a pseudo terminal */
	uint16_t	rows;
	uint16_t	cols;
	uint16_t	pad;
};

/* A frame being received; whole when 'have' is head and head.len bytes. */
struct frame_in {
	struct frame_head	head;
	size_t			have;
	char			data[FRAME_MAX];
};

/* io.c */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
int write_all(int fd, const void *buf, size_t len);
int frame_send(int fd, enum frame_type type, const void *data, size_t len);
int frame_receive(int fd, struct frame_in *in);
void set_nonblocking(int fd);
void tune_tcp(int fd);
long long now_ms(void);

/* session.c */
void session_run(int conn) __attribute__((noreturn));

/* serve.c */
int serve(int n, char **endpoints);

/* run.c */
int run(int argc, char **argv);

#endif
