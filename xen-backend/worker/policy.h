/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy.h - may the guest give this command?
 *
 * Commands are judged by their number, and by the SCSI opcode that they carry,
 * not by the mode that the file was opened with: natively a descriptor that was
 * opened for reading is enough to format an nvme drive.
 *
 * A NULL policy (ioctl=none) allows nothing.
 */
#ifndef VSYS_WORKER_POLICY_H
#define VSYS_WORKER_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "../policy-table.h"

struct device;
struct policy;

/*
 * A checked copy of the table in fd, which stays open and is the caller's; NULL
 * and errno if there is none that is whole.
 */
struct policy *policy_load(int fd);
void policy_free(struct policy *p);

bool policy_allows(const struct policy *p, uint32_t cmd);
/* Pages that are given to the command may stay pinned when it has returned. */
bool policy_pins(const struct policy *p, uint32_t cmd);
/* Known names only, of commands that are denied too; NULL: unknown. */
const char *policy_name(const struct policy *p, uint32_t cmd);

/*
 * Where cmd (or, with write, a write of that data) carries a CDB; NULL: it does
 * not.  There may be several forms: n is 0 for the first, 1 for the second ...;
 * the one whose test holds is meant.
 *
 * Who judges a CDB must see to it that the driver gets what was judged: the
 * guest may write to its own memory at any time, so it is judged where it lies
 * in the mirror, in a page that was copied and that nothing else renews until
 * the call ends, or not at all.
 */
const struct policy_cdb *policy_cdb(const struct policy *p, bool write, uint32_t cmd,
				    unsigned int n);
bool policy_allows_scsi(const struct policy *p, uint8_t opcode);
const char *policy_scsi_name(const struct policy *p, uint8_t opcode);

/*
 * To be called where a command is answered with EPERM: it is counted, and logged
 * once for each device and command.
 */
void policy_denied(struct device *dev, uint32_t cmd);
void policy_denied_scsi(struct device *dev, uint8_t opcode);

#endif /* VSYS_WORKER_POLICY_H */
