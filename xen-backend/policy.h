/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy.h - reads the text of a policy: CLASS.policy, by line.
 *
 *   allow NAME NUMBER [mask MASK]     the guest may give this command
 *   deny NAME NUMBER [mask MASK]      it may not; NAME is for the log
 *   scsi allow|deny NAME OPCODE       the same of SCSI commands
 *   cdb NAME NUMBER ...               this command carries a SCSI command
 *   include CLASS
 *   header FILE                       where the names are from (tests look)
 *
 * '#' starts a comment.  What no line allows is denied; of the lines that match
 * a command, the last one counts.  docs/policy.md has all of it.
 *
 * A class is looked for in the administrator's folder, then among those that
 * came with the program.  A file of the administrator's that includes its own
 * name means the one that came with the program.
 */
#ifndef VSYS_POLICY_H
#define VSYS_POLICY_H

#include "fault.h"
#include "policy-table.h"

#define POLICY_ANY	"any"		/* a class without a file: all of any driver */

struct policy_paths {
	const char *own;		/* the administrator's; may be missing */
	const char *shipped;
};

/* 0 or a negative errno. */
int policy_compile(struct policy_table *t, const struct policy_paths *paths, const char *class,
		   struct fault *f);

/* The compiled table in a sealed memfd, or a negative errno. */
int policy_open(const struct policy_paths *paths, const char *class, struct fault *f);

#endif /* VSYS_POLICY_H */
