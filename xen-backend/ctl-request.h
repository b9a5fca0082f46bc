/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl-request.h - one request of a client of the control socket.
 */
#ifndef VSYS_CTL_REQUEST_H
#define VSYS_CTL_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "limits.h"

#define CTL_WORDS 4

struct supervisor;

struct ctl_request {
	char line[LIMIT_LINE];
	char *word[CTL_WORDS];
	unsigned int nr;
	bool malformed;

	bool started;		/* what is left is to wait */
	bool late;		/* the time is over */
	int wait_ms;		/* set when it starts to wait */
	uint64_t domain;	/* what is waited for: serial of the domain, */
	uint32_t devid;		/* number of the device */
};

void ctl_request_init(struct ctl_request *r, const char *line);

/*
 * Writes the answer to out.  false: it has to wait, what was written does not
 * count, and it is to be called again.
 */
bool ctl_request_run(struct ctl_request *r, struct supervisor *sup, FILE *out);

#endif /* VSYS_CTL_REQUEST_H */
