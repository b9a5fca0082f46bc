/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy-table.h - which commands a guest may give a device, as the supervisor
 * hands it to a worker: one struct policy_table in a sealed memfd, which comes
 * along with IPC_CONNECT.
 *
 * The supervisor makes it from the text (policy.h), the worker asks it
 * (worker/policy.h).  Both are of one build; it is stored nowhere.  Its size is
 * fixed, so that there is little that a reader has to check.
 */
#ifndef VSYS_POLICY_TABLE_H
#define VSYS_POLICY_TABLE_H

#include <stdint.h>

#define POLICY_MAGIC		0x76737970u
#define POLICY_MAX_COMMANDS	1024
#define POLICY_MAX_CDBS		16
#define POLICY_NAME		48	/* with the terminator, as all names below */

/* Commands c with (c & mask) == number.  Of those that match, the last one counts. */
struct policy_command {
	uint32_t number;
	uint32_t mask;
	uint32_t allow;			/* 0: denied, known for its name only */
	uint32_t pins;			/* 1: its driver keeps the caller's pages pinned */
	char name[POLICY_NAME];
};

struct policy_opcode {
	uint32_t allow;
	char name[POLICY_NAME - 4];	/* empty: unknown */
};

/*
 * Where a call carries a SCSI command block (CDB).  Offsets are those in the
 * structure that the argument points to, or in what write(2) writes.
 */
struct policy_cdb_place {
	uint32_t offset;		/* of the CDB, or of the pointer to it */
	uint32_t pointer_size;		/* 0: the CDB itself is there; else 4 or 8 */
	uint32_t length_offset;		/* where its length is */
	uint32_t length_size;		/* 0: it is length_fixed; else 1, 2 or 4 */
	uint32_t length_fixed;		/* 0: as the opcode says (COMMAND_SIZE()) */
};

enum policy_cdb_test {
	POLICY_ALWAYS,
	POLICY_EQUAL,			/* the field is test_value */
	POLICY_NEGATIVE,		/* the field's highest bit is set */
	POLICY_NR_TESTS,
};

/* The first one whose call, number and test match is meant. */
struct policy_cdb {
	uint32_t write;			/* 1: of write(2); 0: of ioctl(2) */
	uint32_t number;		/* command, exactly; 0 if write */
	uint32_t test;			/* enum policy_cdb_test */
	uint32_t test_offset;
	uint32_t test_size;		/* 1, 2 or 4 */
	uint32_t test_value;
	struct policy_cdb_place place[2];	/* [0] 64-bit, [1] 32-bit callers */
	char name[POLICY_NAME];
};

#define POLICY_CDB_END	256u		/* no field of the above ends beyond */

struct policy_table {
	uint32_t magic;
	uint32_t any;			/* 1: what no command of the table matches is allowed */
	uint32_t nr_commands;
	uint32_t nr_cdbs;
	char class[POLICY_NAME];
	struct policy_opcode scsi[256];
	struct policy_cdb cdb[POLICY_MAX_CDBS];
	struct policy_command command[POLICY_MAX_COMMANDS];
};

#endif /* VSYS_POLICY_TABLE_H */
