/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-policy.c - from the text of a policy to the worker's answers.
 *
 * Whether the shipped files have the right numbers: test-policy-numbers.sh.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bsg.h>
#include <linux/cdrom.h>
#include <scsi/sg.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "xen-backend/limits.h"
#include "xen-backend/log.h"
#include "xen-backend/policy.h"
#include "xen-backend/worker/policy.h"
#include "xen-backend/worker/worker.h"

static char dir[] = "/tmp/test-policy-XXXXXX", own[64], shipped[64];
static struct policy_paths paths = { own, shipped };
static const struct policy_paths product = { "/nonexistent", "xen-backend/policy" };
static struct policy_table table;

static void put(const char *where, const char *class, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.policy", where, class);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct policy *load(const struct policy_paths *p, const char *class)
{
	struct policy *policy;
	struct fault f;
	int fd = policy_open(p, class, &f);

	if (fd < 0)
		fail_msg("%s", f.text);
	policy = policy_load(fd);
	assert_non_null(policy);
	close(fd);
	return policy;
}

static struct policy *policy_of(const char *text)
{
	put(shipped, "x", text);
	return load(&paths, "x");
}

static void allowed(void **state)
{
	struct policy *p = policy_of("# comment\n"
				     "\n"
				     " \t allow A 0x1234 # why\n"
				     "allow B 4660000\r\n"
				     "deny C 0x1235\n"
				     "allow D(0) 0x80004506 mask 0xc000ffff\n"
				     "header linux/fs.h");

	(void)state;
	assert_true(policy_allows(p, 0x1234));
	assert_true(policy_allows(p, 4660000));
	assert_false(policy_allows(p, 0x1235));
	assert_false(policy_allows(p, 0x1236));
	assert_false(policy_allows(p, 0));
	assert_true(policy_allows(p, 0x80004506));
	assert_true(policy_allows(p, 0x81004506));
	assert_true(policy_allows(p, 0xbfff4506));
	assert_false(policy_allows(p, 0xc1004506));
	assert_false(policy_allows(p, 0x81004507));
	assert_string_equal(policy_name(p, 0x1234), "A");
	assert_string_equal(policy_name(p, 0x1235), "C");
	assert_string_equal(policy_name(p, 0x81004506), "D");
	assert_null(policy_name(p, 0x1236));
	policy_free(p);
}

static void pinning(void **state)
{
	struct policy *p = policy_of("any\nallow A 1 pins\nallow B 2 mask 0xf pins\n"
				     "deny C 0x12\nallow D 3\n");

	(void)state;
	assert_true(policy_pins(p, 1));
	assert_true(policy_pins(p, 0x22) && policy_allows(p, 0x22));
	assert_false(policy_pins(p, 0x12) || policy_allows(p, 0x12));
	assert_false(policy_pins(p, 3));
	/* "any": what no line names. */
	assert_true(policy_allows(p, 777));
	assert_false(policy_pins(p, 777));
	policy_free(p);
}

/* The last line that matches counts, wherever it stands. */
static void order(void **state)
{
	struct policy *p = policy_of("allow A 1\ndeny A 1\n"
				     "deny B 2\nallow B 2\n"
				     "allow C 0x5400 mask 0xff00\ndeny D 0x5412\n"
				     "deny E 0x6612\nallow F 0x6600 mask 0xff00\n"
				     "allow G 0x7712\nallow H 0x7700 mask 0xff00\ndeny G 0x7712\n"
				     "scsi allow X 0x12\nscsi deny X 0x12\n");

	(void)state;
	assert_false(policy_allows(p, 1));
	assert_true(policy_allows(p, 2));
	assert_true(policy_allows(p, 0x5413));
	assert_false(policy_allows(p, 0x5412));
	assert_true(policy_allows(p, 0x6612));
	assert_false(policy_allows(p, 0x7712));
	assert_true(policy_allows(p, 0x7713));
	assert_false(policy_allows_scsi(p, 0x12));
	policy_free(p);
}

static void nothing(void **state)
{
	struct policy *p = policy_of("");
	unsigned int i;

	(void)state;
	for (i = 0; i < 256; i++) {
		assert_false(policy_allows_scsi(p, i));
		assert_false(policy_allows_scsi(NULL, i));
		assert_false(policy_allows(p, 0x5300 + i));
		assert_false(policy_allows(NULL, 0x5300 + i));
	}
	assert_null(policy_name(NULL, 1));
	assert_null(policy_scsi_name(NULL, 1));
	assert_null(policy_cdb(NULL, true, 0, 0));
	policy_free(p);
	policy_free(NULL);
}

/* All that a driver may be asked; not what dom0's kernel would do for any file. */
static void any(void **state)
{
	struct policy *p = load(&paths, "any"), *tricked;

	(void)state;
	assert_true(policy_allows(p, 0));
	assert_true(policy_allows(p, TIOCSTI));
	assert_true(policy_allows(p, UINT32_MAX));
	assert_true(policy_allows_scsi(p, 0x3b));
	assert_false(policy_allows(p, FIONBIO));
	assert_false(policy_allows(p, FIOASYNC));
	assert_false(policy_allows(p, FIOCLEX));
	assert_false(policy_allows(p, 0xc0045877));
	assert_string_equal(policy_name(p, 0xc0045877), "FIFREEZE");
	policy_free(p);
	tricked = policy_of("allow ALL 0 mask 0\nallow FIOASYNC 0x5452\n");
	assert_true(policy_allows(tricked, TIOCSTI));
	assert_false(policy_allows(tricked, FIOASYNC));
	policy_free(tricked);
}

static void includes(void **state)
{
	struct policy *p;

	(void)state;
	put(shipped, "base", "allow A 1\ndeny B 2\n");
	put(shipped, "more", "include base\nallow B 2\ndeny A 1\n");
	p = load(&paths, "more");
	assert_false(policy_allows(p, 1));
	assert_true(policy_allows(p, 2));
	policy_free(p);
	/* The administrator's goes before, also where another file includes it. */
	put(own, "base", "allow C 3\n");
	p = load(&paths, "more");
	assert_true(policy_allows(p, 3));
	assert_true(policy_allows(p, 2));
	policy_free(p);
	/* ... and may begin with the shipped one. */
	put(own, "base", "include base\nallow C 3\n");
	p = load(&paths, "base");
	assert_true(policy_allows(p, 1));
	assert_true(policy_allows(p, 3));
	policy_free(p);
	/* Twice the same, by two ways. */
	put(shipped, "twice", "include base\ninclude more\n");
	p = load(&paths, "twice");
	assert_true(policy_allows(p, 2));
	policy_free(p);
}

static void wrong(const char *text, const char *sentence)
{
	char want[FAULT_SIZE];
	struct fault f;

	put(shipped, "x", text);
	assert_true(policy_compile(&table, &paths, "x", &f) < 0);
	snprintf(want, sizeof(want), "%s/x.policy:%s", shipped, sentence);
	assert_string_equal(f.text, want);
	assert_true(policy_open(&paths, "x", &f) < 0);
}

static void sentences(void **state)
{
	char text[2 * LIMIT_POLICY_LINE], want[FAULT_SIZE];
	struct fault f;

	(void)state;
	wrong("\n\nalow A 1\n",
	      "3: 'alow' is unknown (known: allow, deny, any, scsi, cdb, include, header)");
	wrong("allow", "1: a name is missing");
	wrong("allow A", "1: number of a command is missing");
	wrong("allow A-B 1", "1: 'A-B' is no name of a command");
	wrong("allow (0) 1", "1: '(0)' is no name of a command");
	wrong("allow A 0x100000000", "1: '0x100000000' is no number of a command (0 to 0xffffffff)");
	wrong("allow A -1", "1: '-1' is no number of a command (0 to 0xffffffff)");
	wrong("allow A 0x", "1: '0x' is no number of a command (0 to 0xffffffff)");
	wrong("allow A 12x", "1: '12x' is no number of a command (0 to 0xffffffff)");
	wrong("allow A 1 2", "1: '2' is too much");
	wrong("allow A 1 mask", "1: mask is missing");
	wrong("allow A 0x11 mask 0x10",
	      "1: 0x00000011 has bits that are not in the mask 0x00000010");
	wrong("scsi A 1", "1: allow or deny is missing after scsi");
	wrong("scsi allow A 0x100", "1: '0x100' is no SCSI opcode (0 to 0xff)");
	wrong("include", "1: the class to include is missing");
	wrong("include ../x", "1: '../x' cannot be the name of a policy");
	wrong("include x", "1: policy 'x' includes itself");
	wrong("header", "1: the header's name is missing");
	wrong("cdb SG_IO 1", "1: at or pointer is missing");
	wrong("cdb SG_IO 1 at 0", "1: length is missing");
	wrong("cdb SG_IO 1 at 0 length", "1: length is missing");
	wrong("cdb SG_IO 1 at 256 length opcode", "1: '256' is no offset (0 to 0xff)");
	wrong("cdb SG_IO 1 pointer 8 length 12", "1: '8' is no field of the form OFFSET:SIZE");
	wrong("cdb SG_IO 1 pointer 8:3 length 12", "1: '8:3' is no field of the form OFFSET:SIZE");
	wrong("cdb SG_IO 1 pointer 250:8 length 12",
	      "1: '250:8' is no field of the form OFFSET:SIZE");
	wrong("cdb SG_IO 1 pointer 8:2 length 12", "1: a pointer has 4 or 8 bytes");
	wrong("cdb SG_IO 1 pointer 8:8 length 0:8", "1: a length has 1, 2 or 4 bytes");
	wrong("cdb SG_IO 1 when 0:4 at 0 length 1",
	      "1: '0:4' is not of the form OFFSET:SIZE=VALUE or OFFSET:SIZE<0");
	wrong("cdb SG_IO 1 when 0:8=1 at 0 length 1",
	      "1: '0:8=1' is not of the form OFFSET:SIZE=VALUE or OFFSET:SIZE<0");
	wrong("cdb write 1 at 0 length 1", "1: at or pointer is missing");
	wrong("a b c d e f g h i j k l m n o p q", "1: more than 16 words");
	memset(text, ' ', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	wrong(text, "1: longer than 254 bytes");
	assert_true(policy_compile(&table, &paths, "nope", &f) < 0);
	snprintf(want, sizeof(want), "there is no policy 'nope' (in %s, %s)", own, shipped);
	assert_string_equal(f.text, want);
	put(shipped, "outer", "allow A 1\ninclude inner\n");
	put(shipped, "inner", "\nallow B\n");
	assert_true(policy_compile(&table, &paths, "outer", &f) < 0);
	snprintf(want, sizeof(want), "%s/inner.policy:2: number of a command is missing", shipped);
	assert_string_equal(f.text, want);
}

static void bounds(void **state)
{
	char path[128], class[16], text[64];
	struct fault f;
	FILE *file;
	int i;

	(void)state;
	snprintf(path, sizeof(path), "%s/many.policy", shipped);
	file = fopen(path, "w");
	for (i = 0; i < POLICY_MAX_COMMANDS; i++)
		fprintf(file, "allow A %d\n", 0x10000 + i);
	fclose(file);
	assert_int_equal(policy_compile(&table, &paths, "many", &f), -EINVAL);
	assert_non_null(strstr(f.text, "many.policy:1009: more than 1008 commands"));
	file = fopen(path, "w");
	for (i = 0; i <= LIMIT_POLICY_LINES; i++)
		fprintf(file, "#\n");
	fclose(file);
	assert_int_equal(policy_compile(&table, &paths, "many", &f), -EINVAL);
	assert_non_null(strstr(f.text, "many.policy:8193: more than 8192 lines"));
	file = fopen(path, "w");
	for (i = 0; i <= POLICY_MAX_CDBS; i++)
		fprintf(file, "cdb A %d at 0 length 6\n", i);
	fclose(file);
	assert_int_equal(policy_compile(&table, &paths, "many", &f), -EINVAL);
	assert_non_null(strstr(f.text, "many.policy:17: more than 16 lines with cdb"));
	for (i = 0; i < 20; i++) {
		snprintf(class, sizeof(class), "deep%d", i);
		snprintf(text, sizeof(text), "include deep%d\n", i + 1);
		put(shipped, class, text);
	}
	assert_int_equal(policy_compile(&table, &paths, "deep0", &f), -EINVAL);
	assert_non_null(strstr(f.text, "deep7.policy:1: more than 8 files include each other"));
}

/* --- SCSI commands in calls ------------------------------------------- */

static const struct policy_cdb *cdb(struct policy *p, uint32_t cmd, unsigned int n)
{
	return policy_cdb(p, false, cmd, n);
}

/* As 32-bit programs have it; sg_io_v4 is the same for all. */
struct sg_io_hdr32 {
	int32_t interface_id, dxfer_direction;
	uint8_t cmd_len, mx_sb_len;
	uint16_t iovec_count;
	uint32_t dxfer_len, dxferp, cmdp, sbp;
};

static void places(void **state)
{
	static const char *const classes[] = { "cdb", "cdrom-read", "cdrom-burn", "disk", "scsi" };
	const struct policy_cdb *c;
	struct policy *p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		p = load(&product, classes[i]);
		c = cdb(p, SG_IO, 0);
		assert_non_null(c);
		assert_int_equal(c->test, POLICY_EQUAL);
		assert_int_equal(c->test_offset, offsetof(struct sg_io_hdr, interface_id));
		assert_int_equal(c->test_size, 4);
		assert_int_equal(c->test_value, 'S');
		assert_int_equal(c->place[0].offset, offsetof(struct sg_io_hdr, cmdp));
		assert_int_equal(c->place[0].pointer_size, 8);
		assert_int_equal(c->place[0].length_offset, offsetof(struct sg_io_hdr, cmd_len));
		assert_int_equal(c->place[0].length_size, 1);
		assert_int_equal(c->place[1].offset, offsetof(struct sg_io_hdr32, cmdp));
		assert_int_equal(c->place[1].pointer_size, 4);
		assert_int_equal(c->place[1].length_offset, offsetof(struct sg_io_hdr32, cmd_len));
		c = cdb(p, SG_IO, 1);
		assert_non_null(c);
		assert_int_equal(c->test_value, 'Q');
		assert_int_equal(c->test_offset, offsetof(struct sg_io_v4, guard));
		assert_int_equal(c->place[0].offset, offsetof(struct sg_io_v4, request));
		assert_int_equal(c->place[0].pointer_size, 8);
		assert_int_equal(c->place[0].length_offset, offsetof(struct sg_io_v4, request_len));
		assert_int_equal(c->place[0].length_size, 4);
		assert_memory_equal(&c->place[0], &c->place[1], sizeof(c->place[0]));
		assert_null(cdb(p, SG_IO, 2));
		c = cdb(p, CDROM_SEND_PACKET, 0);
		assert_non_null(c);
		assert_int_equal(c->test, POLICY_ALWAYS);
		assert_int_equal(c->place[1].offset, offsetof(struct cdrom_generic_command, cmd));
		assert_int_equal(c->place[1].pointer_size, 0);
		assert_int_equal(c->place[1].length_fixed, CDROM_PACKET_SIZE);
		assert_null(cdb(p, CDROMEJECT, 0));
		c = policy_cdb(p, true, 0, 0);
		assert_non_null(c);
		assert_int_equal(c->test, POLICY_NEGATIVE);
		assert_int_equal(c->test_offset, offsetof(struct sg_io_hdr, dxfer_direction));
		assert_int_equal(c->test_offset, offsetof(struct sg_header, reply_len));
		assert_int_equal(c->place[0].offset, offsetof(struct sg_io_hdr, cmdp));
		c = policy_cdb(p, true, 12345, 1);
		assert_non_null(c);
		assert_int_equal(c->test, POLICY_ALWAYS);
		assert_int_equal(c->place[0].offset, sizeof(struct sg_header));
		assert_int_equal(c->place[0].length_size + c->place[0].length_fixed, 0);
		assert_null(policy_cdb(p, true, 0, 2));
		policy_free(p);
	}
}

/* Each call that a profile allows and that carries a command is known as one. */
static void carriers(void **state)
{
	static const char *const classes[] = {
		"cdrom-read", "cdrom-burn", "disk", "tty", "video", "input", "tpm", "scsi",
		"nvme", "i2c", "rtc",
	};
	static const uint32_t carry[] = { SG_IO, CDROM_SEND_PACKET, 1 };
	struct policy *p;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		p = load(&product, classes[i]);
		for (k = 0; k < sizeof(carry) / sizeof(carry[0]); k++)
			assert_true(!policy_allows(p, carry[k]) || cdb(p, carry[k], 0));
		policy_free(p);
	}
}

static void profiles(void **state)
{
	struct policy *p;

	(void)state;
	p = load(&product, "cdrom-read");
	assert_true(policy_allows(p, CDROMEJECT) && policy_allows(p, SG_IO));
	assert_true(policy_allows_scsi(p, GPCMD_INQUIRY) && policy_allows_scsi(p, GPCMD_READ_CD));
	assert_false(policy_allows_scsi(p, GPCMD_WRITE_10) || policy_allows_scsi(p, GPCMD_BLANK));
	assert_string_equal(policy_scsi_name(p, GPCMD_BLANK), "GPCMD_BLANK");
	policy_free(p);
	p = load(&product, "cdrom-burn");
	assert_true(policy_allows_scsi(p, GPCMD_INQUIRY) && policy_allows_scsi(p, GPCMD_READ_CD));
	assert_true(policy_allows_scsi(p, GPCMD_WRITE_10) && policy_allows_scsi(p, GPCMD_BLANK) &&
		    policy_allows_scsi(p, GPCMD_MODE_SELECT_10) &&
		    policy_allows_scsi(p, GPCMD_CLOSE_TRACK));
	/* Firmware. */
	assert_false(policy_allows_scsi(p, GPCMD_WRITE_BUFFER));
	policy_free(p);
	p = load(&product, "disk");
	assert_false(policy_allows_scsi(p, GPCMD_WRITE_BUFFER) ||
		     policy_allows_scsi(p, GPCMD_FORMAT_UNIT) || policy_allows_scsi(p, 0x85));
	policy_free(p);
	p = load(&product, "scsi");
	assert_false(policy_allows_scsi(p, GPCMD_WRITE_BUFFER) || policy_allows_scsi(p, 0xa1));
	policy_free(p);
	p = load(&product, "tty");
	assert_true(policy_allows(p, TCGETS));
	assert_false(policy_allows(p, TIOCSTI) || policy_allows(p, TIOCSETD));
	assert_string_equal(policy_name(p, TIOCSTI), "TIOCSTI");
	policy_free(p);
}

/* --- what a worker gets ----------------------------------------------- */

static void sealed(void **state)
{
	struct fault f;
	int fd = policy_open(&paths, "any", &f);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GET_SEALS),
			 F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	close(fd);
}

static int memory(const void *bytes, size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

static bool loads(const struct policy_table *t)
{
	int fd = memory(t, sizeof(*t));
	struct policy *p = policy_load(fd);

	close(fd);
	policy_free(p);
	return p;
}

static void broken_tables(void **state)
{
	static char large[sizeof(table) + 1];
	struct policy_table good;
	struct fault f;
	int fd, p[2];

	(void)state;
	assert_int_equal(policy_compile(&good, &product, "scsi", &f), 0);
	assert_true(loads(&good));
	assert_null(policy_load(-1));
	assert_int_equal(errno, EBADF);
	assert_int_equal(pipe(p), 0);
	assert_null(policy_load(p[0]));
	close(p[0]);
	close(p[1]);
	fd = memory(&good, sizeof(good) - 1);
	assert_null(policy_load(fd));
	assert_int_equal(errno, EINVAL);
	close(fd);
	memcpy(large, &good, sizeof(good));
	fd = memory(large, sizeof(large));
	assert_null(policy_load(fd));
	close(fd);
#define BROKEN(assignment) do { table = good; table.assignment; assert_false(loads(&table)); } while (0)
	BROKEN(magic = 0);
	BROKEN(any = 2);
	BROKEN(nr_commands = POLICY_MAX_COMMANDS + 1);
	BROKEN(nr_cdbs = POLICY_MAX_CDBS + 1);
	BROKEN(class[0] = '\n');
	BROKEN(command[3].allow = 2);
	BROKEN(command[3].name[0] = '\033');
	BROKEN(scsi[255].allow = 7);
	BROKEN(cdb[0].write = 2);
	BROKEN(cdb[0].test = POLICY_NR_TESTS);
	BROKEN(cdb[0].test_size = 8);
	BROKEN(cdb[0].test_offset = POLICY_CDB_END - 1);
	BROKEN(cdb[0].test_offset = UINT32_MAX - 1);
	BROKEN(cdb[1].place[1].offset = POLICY_CDB_END - 7);
	BROKEN(cdb[1].place[1].pointer_size = 2);
	BROKEN(cdb[1].place[0].length_offset = POLICY_CDB_END - 1);
	BROKEN(cdb[1].place[0].length_fixed = POLICY_CDB_END + 1);
	table = good;
	memset(table.command[0].name, 'x', sizeof(table.command[0].name));
	assert_false(loads(&table));
}

static void mutations(void **state)
{
	unsigned int seed = 11, round, i;
	struct policy_table good;
	struct fault f;

	(void)state;
	assert_int_equal(policy_compile(&good, &product, "scsi", &f), 0);
	for (round = 0; round < 3000; round++) {
		struct policy *p;
		int fd;

		table = good;
		/* Mostly where the numbers are. */
		for (i = 0; i < 3; i++)
			((unsigned char *)&table)[rand_r(&seed) % (round % 2 ? 16 : sizeof(table))] =
				rand_r(&seed);
		fd = memory(&table, sizeof(table));
		p = policy_load(fd);
		close(fd);
		for (i = 0; p && i < 50; i++) {
			uint32_t cmd = rand_r(&seed);

			policy_allows(p, cmd);
			policy_name(p, cmd);
			policy_scsi_name(p, cmd);
			policy_cdb(p, cmd & 1, SG_IO, i);
		}
		policy_free(p);
	}
}

/* Whatever the text: no overrun, and a sentence. */
static void nonsense(void **state)
{
	static const char *const piece[] = {
		"allow ", "deny ", "scsi ", "cdb ", "include ", "header ", "A ", "write ", "0x12 ",
		"1 ", "mask ", "when ", "0:4=1 ", "0:4<0 ", "at ", "pointer ", "8:8 ", "length ",
		"opcode ", "compat ", "\n", "#", "any ", "\xff", "0xffffffff ", ":", "=", "(",
	};
	unsigned int seed = 5, round, i;
	struct fault f;

	(void)state;
	for (round = 0; round < 3000; round++) {
		char text[1024] = "";
		unsigned int nr = rand_r(&seed) % 40;

		for (i = 0; i < nr; i++)
			strcat(text, piece[rand_r(&seed) % (sizeof(piece) / sizeof(piece[0]))]);
		put(shipped, "x", text);
		if (policy_compile(&table, &paths, "x", &f))
			assert_true(strlen(f.text) && !strpbrk(f.text, "\n\xff"));
		else
			assert_true(loads(&table));
	}
}

/* --- denials ---------------------------------------------------------- */

static unsigned int lines_logged(FILE *log)
{
	unsigned int nr = 0;
	int c;

	fflush(stderr);
	rewind(log);
	while ((c = fgetc(log)) != EOF)
		nr += c == '\n';
	return nr;
}

static void denials(void **state)
{
	struct transport transport = { .domid = 7 };
	struct worker w = { .transport = &transport };
	struct device dev = { .worker = &w, .devid = 3 };
	FILE *log = tmpfile();
	int err = dup(2);
	unsigned int lines, i;
	char text[256];

	(void)state;
	log_init("test", true);
	dev.policy = load(&product, "tty");
	dup2(fileno(log), 2);
	for (i = 0; i < 5; i++)
		policy_denied(&dev, TIOCSTI);
	policy_denied_scsi(&dev, GPCMD_WRITE_BUFFER);
	policy_denied_scsi(&dev, GPCMD_WRITE_BUFFER);
	lines = lines_logged(log);
	/* A guest that tries all numbers there are. */
	for (i = 0; i < 100000; i++)
		policy_denied(&dev, i);
	fflush(stderr);
	dup2(err, 2);
	close(err);
	assert_int_equal(lines, 2);
	assert_int_equal(dev.counters.denied, 100007);
	assert_true(lines_logged(log) <= LOG_LIMIT_BURST + 2);
	rewind(log);
	assert_non_null(fgets(text, sizeof(text), log));
	assert_non_null(strstr(text, "domain 7 device 3: ioctl 0x5412 (TIOCSTI) is denied by policy 'tty'"));
	assert_non_null(fgets(text, sizeof(text), log));
	assert_non_null(strstr(text, "SCSI command 0x3b (unknown) is denied by policy 'tty'"));
	fclose(log);
	policy_free(dev.policy);
	dev.policy = NULL;
	policy_denied(&dev, 1);
	assert_int_equal(dev.counters.denied, 100008);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(own, sizeof(own), "%s/own", dir);
	snprintf(shipped, sizeof(shipped), "%s/shipped", dir);
	return mkdir(own, 0700) || mkdir(shipped, 0700);
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allowed), cmocka_unit_test(pinning), cmocka_unit_test(order),
		cmocka_unit_test(nothing),
		cmocka_unit_test(any), cmocka_unit_test(includes), cmocka_unit_test(sentences),
		cmocka_unit_test(bounds), cmocka_unit_test(places), cmocka_unit_test(carriers),
		cmocka_unit_test(profiles), cmocka_unit_test(sealed),
		cmocka_unit_test(broken_tables), cmocka_unit_test(mutations),
		cmocka_unit_test(nonsense), cmocka_unit_test(denials),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
