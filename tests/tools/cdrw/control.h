/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control.h - the socket by which a script does what a person does at a drive.
 *
 * A line comes, a text goes back: '+' or '-' (it was refused), then the text.
 */
#ifndef CDRW_CONTROL_H
#define CDRW_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "mmc.h"

#define CONTROL_TEXT	1000

struct control {
	const char *dir;
	int32_t blocks;		/* of new discs */
	struct mmc *m;
	/* What else can be asked: "node", "quit".  False: not known either. */
	bool (*other)(void *arg, const char *line, char *answer, size_t size);
	void *arg;
};

/* The listening socket in DIR, or -errno. */
int control_listen(const char *dir);
/* One line of a client that has connected. */
void control_serve(const struct control *c, int listener);
/* One line: '+' or '-', and text.  (control_serve without a socket) */
void control_do(const struct control *c, char *line, char *answer, size_t size);

/* The client: sends the line, prints the answer.  An exit status. */
int control_send(const char *dir, const char *line);

#endif
