// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * policy.c - compiles the text of a policy; see policy.h.
 *
 * A file is a list of lines, a line is a list of words.  A policy that is wrong
 * in one line is no policy: the device is not attached, and the sentence names
 * file and line.
 */
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "limits.h"
#include "policy.h"

#define MAX_WORDS	16
#define MAX_COMMANDS	(POLICY_MAX_COMMANDS - 16)	/* of the text: see never[] */

/* A file that is being read, and the one that includes it. */
struct source {
	const struct source *by;
	const char *path;
	unsigned int line, depth;
};

struct compiler {
	struct policy_table *t;
	const struct policy_paths *paths;
	struct fault *f;
	unsigned int lines;		/* of all files */
};

/* The words of a line; next: the first one that is not used up. */
struct words {
	char *word[MAX_WORDS];
	unsigned int nr, next;
};

static int read_class(struct compiler *c, const struct source *by, const char *class);

/* --- words ------------------------------------------------------------ */

static const char *take(struct words *w)
{
	return w->next < w->nr ? w->word[w->next++] : NULL;
}

static bool take_if(struct words *w, const char *word)
{
	if (w->next == w->nr || strcmp(w->word[w->next], word))
		return false;
	w->next++;
	return true;
}

/* Hexadecimal with 0x, or decimal; to the end of the text, or to *end if given. */
static int parse_number(const char *text, uint32_t most, uint32_t *value, const char **end)
{
	unsigned long long n;
	char *stop;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &stop, text[0] == '0' && text[1] == 'x' ? 16 : 10);
	if (errno || n > most || (!end && *stop))
		return -EINVAL;
	*value = n;
	if (end)
		*end = stop;
	return 0;
}

static int take_number(struct compiler *c, struct words *w, const char *what, uint32_t most,
		       uint32_t *value)
{
	const char *word = take(w);

	if (!word)
		return fault(c->f, -EINVAL, "%s is missing", what);
	if (parse_number(word, most, value, NULL))
		return fault(c->f, -EINVAL, "'%.48s' is no %s (0 to 0x%x)", word, what, most);
	return 0;
}

/* "EVIOCGNAME(0)": what comes before the parenthesis is the name. */
static int take_name(struct compiler *c, struct words *w, char *name, size_t size)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
	const char *word = take(w);
	size_t len;

	if (!word)
		return fault(c->f, -EINVAL, "a name is missing");
	len = strspn(word, letters);
	if (!len || len >= size || (word[len] && word[len] != '('))
		return fault(c->f, -EINVAL, "'%.64s' is no name of a command", word);
	memset(name, 0, size);
	memcpy(name, word, len);
	return 0;
}

/* --- lines ------------------------------------------------------------ */

static void add_command(struct policy_table *t, const struct policy_command *cmd)
{
	unsigned int i;

	/* It counts from here on, not from where it stood before. */
	for (i = 0; i < t->nr_commands; i++) {
		if (t->command[i].number != cmd->number || t->command[i].mask != cmd->mask)
			continue;
		memmove(&t->command[i], &t->command[i + 1],
			(t->nr_commands - i - 1) * sizeof(*cmd));
		t->nr_commands--;
		break;
	}
	t->command[t->nr_commands++] = *cmd;
}

static int do_command(struct compiler *c, struct words *w, bool allow)
{
	struct policy_command cmd = { .mask = UINT32_MAX, .allow = allow };
	int err = take_name(c, w, cmd.name, sizeof(cmd.name));

	if (!err)
		err = take_number(c, w, "number of a command", UINT32_MAX, &cmd.number);
	if (!err && take_if(w, "mask"))
		err = take_number(c, w, "mask", UINT32_MAX, &cmd.mask);
	if (!err && allow)
		cmd.pins = take_if(w, "pins");
	if (err)
		return err;
	if (cmd.number & ~cmd.mask)
		return fault(c->f, -EINVAL, "0x%08x has bits that are not in the mask 0x%08x",
			     cmd.number, cmd.mask);
	if (c->t->nr_commands == MAX_COMMANDS)
		return fault(c->f, -E2BIG, "more than %d commands", MAX_COMMANDS);
	add_command(c->t, &cmd);
	return 0;
}

static int do_allow(struct compiler *c, struct words *w, const struct source *s)
{
	(void)s;
	return do_command(c, w, true);
}

static int do_deny(struct compiler *c, struct words *w, const struct source *s)
{
	(void)s;
	return do_command(c, w, false);
}

/* What no line names is allowed, too. */
static int do_any(struct compiler *c, struct words *w, const struct source *s)
{
	(void)w;
	(void)s;
	c->t->any = 1;
	return 0;
}

static int do_scsi(struct compiler *c, struct words *w, const struct source *s)
{
	struct policy_opcode op = { .allow = take_if(w, "allow") };
	uint32_t opcode;
	int err;

	(void)s;
	if (!op.allow && !take_if(w, "deny"))
		return fault(c->f, -EINVAL, "allow or deny is missing after scsi");
	err = take_name(c, w, op.name, sizeof(op.name));
	if (!err)
		err = take_number(c, w, "SCSI opcode", UINT8_MAX, &opcode);
	if (!err)
		c->t->scsi[opcode] = op;
	return err;
}

/* OFFSET:SIZE; rest: what follows it, if that is allowed. */
static int parse_field(struct compiler *c, const char *word, uint32_t *offset, uint32_t *size,
		       const char **rest)
{
	const char *p = word;

	if (!word || parse_number(word, POLICY_CDB_END - 8, offset, &p) || *p++ != ':' ||
	    parse_number(p, 8, size, rest) || !*size || *size & (*size - 1))
		return fault(c->f, -EINVAL, "'%.48s' is no field of the form OFFSET:SIZE",
			     word ? word : "");
	return 0;
}

/* "when OFFSET:SIZE=VALUE" or "when OFFSET:SIZE<0" */
static int take_test(struct compiler *c, struct words *w, struct policy_cdb *cdb)
{
	const char *word = take(w), *rest = "";
	int err = parse_field(c, word, &cdb->test_offset, &cdb->test_size, &rest);

	if (err)
		return err;
	if (!strcmp(rest, "<0"))
		cdb->test = POLICY_NEGATIVE;
	else if (*rest == '=' && !parse_number(rest + 1, UINT32_MAX, &cdb->test_value, NULL))
		cdb->test = POLICY_EQUAL;
	if (cdb->test == POLICY_ALWAYS || cdb->test_size > 4)
		return fault(c->f, -EINVAL,
			     "'%.48s' is not of the form OFFSET:SIZE=VALUE or OFFSET:SIZE<0",
			     word);
	return 0;
}

/* "at OFFSET" or "pointer OFFSET:SIZE", then "length OFFSET:SIZE", "... N" or "... opcode" */
static int take_place(struct compiler *c, struct words *w, struct policy_cdb_place *p)
{
	int err;

	if (take_if(w, "at"))
		err = take_number(c, w, "offset", POLICY_CDB_END - 1, &p->offset);
	else if (take_if(w, "pointer"))
		err = parse_field(c, take(w), &p->offset, &p->pointer_size, NULL);
	else
		err = fault(c->f, -EINVAL, "at or pointer is missing");
	if (!err && p->pointer_size && p->pointer_size < 4)
		err = fault(c->f, -EINVAL, "a pointer has 4 or 8 bytes");
	if (!err && !take_if(w, "length"))
		err = fault(c->f, -EINVAL, "length is missing");
	if (err || take_if(w, "opcode"))
		return err;
	if (w->next < w->nr && strchr(w->word[w->next], ':')) {
		err = parse_field(c, take(w), &p->length_offset, &p->length_size, NULL);
		if (!err && p->length_size > 4)
			err = fault(c->f, -EINVAL, "a length has 1, 2 or 4 bytes");
		return err;
	}
	return take_number(c, w, "length", POLICY_CDB_END, &p->length_fixed);
}

static int do_cdb(struct compiler *c, struct words *w, const struct source *s)
{
	struct policy_cdb cdb = { 0 };
	unsigned int i;
	int err = 0;

	(void)s;
	if (take_if(w, "write")) {
		cdb.write = 1;
		strcpy(cdb.name, "write");
	} else {
		err = take_name(c, w, cdb.name, sizeof(cdb.name));
		if (!err)
			err = take_number(c, w, "number of a command", UINT32_MAX, &cdb.number);
	}
	if (!err && take_if(w, "when"))
		err = take_test(c, w, &cdb);
	if (!err)
		err = take_place(c, w, &cdb.place[0]);
	cdb.place[1] = cdb.place[0];
	if (!err && take_if(w, "compat")) {
		memset(&cdb.place[1], 0, sizeof(cdb.place[1]));
		err = take_place(c, w, &cdb.place[1]);
	}
	if (err)
		return err;
	/* By way of two includes. */
	for (i = 0; i < c->t->nr_cdbs; i++)
		if (!memcmp(&c->t->cdb[i], &cdb, sizeof(cdb)))
			return 0;
	if (c->t->nr_cdbs == POLICY_MAX_CDBS)
		return fault(c->f, -E2BIG, "more than %d lines with cdb", POLICY_MAX_CDBS);
	c->t->cdb[c->t->nr_cdbs++] = cdb;
	return 0;
}

static int do_include(struct compiler *c, struct words *w, const struct source *s)
{
	const char *class = take(w);

	if (!class)
		return fault(c->f, -EINVAL, "the class to include is missing");
	return read_class(c, s, class);
}

static int do_header(struct compiler *c, struct words *w, const struct source *s)
{
	(void)s;
	return take(w) ? 0 : fault(c->f, -EINVAL, "the header's name is missing");
}

static const struct {
	const char *word;
	int (*run)(struct compiler *c, struct words *w, const struct source *s);
} lines[] = {
	{ "allow", do_allow },
	{ "deny", do_deny },
	{ "any", do_any },
	{ "scsi", do_scsi },
	{ "cdb", do_cdb },
	{ "include", do_include },
	{ "header", do_header },
};

static int do_line(struct compiler *c, char *text, const struct source *s)
{
	static const char blank[] = " \t\r\n";
	struct words w = { 0 };
	char *word, *save;
	int err;

	text[strcspn(text, "#")] = '\0';
	for (word = strtok_r(text, blank, &save); word; word = strtok_r(NULL, blank, &save)) {
		if (w.nr == MAX_WORDS)
			return fault(c->f, -E2BIG, "more than %d words", MAX_WORDS);
		w.word[w.nr++] = word;
	}
	word = (char *)take(&w);
	if (!word)
		return 0;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (strcmp(lines[i].word, word))
			continue;
		err = lines[i].run(c, &w, s);
		if (!err && w.next < w.nr)
			err = fault(c->f, -EINVAL, "'%.48s' is too much", w.word[w.next]);
		return err;
	}
	return fault(c->f, -EINVAL,
		     "'%.48s' is unknown (known: allow, deny, any, scsi, cdb, include, header)", word);
}

/* --- files ------------------------------------------------------------ */

static int read_lines(struct compiler *c, FILE *file, struct source *s)
{
	char text[LIMIT_POLICY_LINE];
	int err = 0;

	while (!err && fgets(text, sizeof(text), file)) {
		s->line++;
		if (++c->lines > LIMIT_POLICY_LINES)
			err = fault(c->f, -E2BIG, "more than %d lines", LIMIT_POLICY_LINES);
		else if (strlen(text) == sizeof(text) - 1 && !strchr(text, '\n'))
			err = fault(c->f, -E2BIG, "longer than %zu bytes", sizeof(text) - 2);
		else
			err = do_line(c, text, s);
		/* Where files are included, the innermost one says where. */
		if (err && err != -EREMOTE) {
			fault_at(c->f, err, "%s:%u", s->path, s->line);
			err = -EREMOTE;
		}
	}
	if (!err && ferror(file)) {
		fault(c->f, -EIO, "%s: cannot be read", s->path);
		err = -EREMOTE;
	}
	return err;
}

static bool is_open(const struct source *s, const char *path)
{
	for (; s; s = s->by)
		if (!strcmp(s->path, path))
			return true;
	return false;
}

/* The file of that class that is not being read already, or NULL and errno. */
static FILE *open_class(struct compiler *c, const struct source *by, const char *class,
			char *path, size_t size)
{
	const char *const dir[] = { c->paths->own, c->paths->shipped };
	bool cycle = false;
	FILE *file;

	for (size_t i = 0; i < sizeof(dir) / sizeof(dir[0]); i++) {
		if (snprintf(path, size, "%s/%s.policy", dir[i], class) >= (int)size)
			continue;
		if (is_open(by, path)) {
			cycle = true;
			continue;
		}
		file = fopen(path, "re");
		if (file || errno != ENOENT)
			return file;
	}
	errno = cycle ? ELOOP : ENOENT;
	return NULL;
}

static int read_class(struct compiler *c, const struct source *by, const char *class)
{
	struct source s = { .by = by, .depth = by ? by->depth + 1 : 0 };
	char path[PATH_MAX];
	FILE *file;
	int err;

	/* It becomes part of a path. */
	if (!*class || class[strspn(class, "abcdefghijklmnopqrstuvwxyz0123456789-")] ||
	    strlen(class) >= POLICY_NAME)
		return fault(c->f, -EINVAL, "'%.48s' cannot be the name of a policy", class);
	if (s.depth == LIMIT_POLICY_DEPTH)
		return fault(c->f, -ELOOP, "more than %d files include each other",
			     LIMIT_POLICY_DEPTH);
	file = open_class(c, by, class, path, sizeof(path));
	if (!file && errno == ELOOP)
		return fault(c->f, -ELOOP, "policy '%s' includes itself", class);
	if (!file && errno == ENOENT)
		return fault(c->f, -ENOENT, "there is no policy '%s' (in %s, %s)", class,
			     c->paths->own, c->paths->shipped);
	if (!file)
		return fault(c->f, -errno, "%s: %s", path, strerror(errno));
	s.path = path;
	err = read_lines(c, file, &s);
	fclose(file);
	return err;
}

/*
 * What the kernel does for any file, before a driver is asked: of dom0's view of
 * the file, or of the file system that the node is in.  In the guest, the guest's
 * own kernel does it, so none of these ever comes from one that is honest, and no
 * policy allows them.
 */
static const struct policy_command never[] = {
#define NEVER(cmd) { .number = cmd, .mask = UINT32_MAX, .name = #cmd }
	NEVER(FIOCLEX), NEVER(FIONCLEX), NEVER(FIONBIO), NEVER(FIOASYNC),
	NEVER(FIFREEZE), NEVER(FITHAW), NEVER(FICLONE), NEVER(FICLONERANGE),
	NEVER(FIDEDUPERANGE), NEVER(FS_IOC_FIEMAP), NEVER(FS_IOC_SETFLAGS),
	NEVER(FS_IOC_FSSETXATTR),
#undef NEVER
};

#define NR_NEVER (sizeof(never) / sizeof(never[0]))
_Static_assert(NR_NEVER <= POLICY_MAX_COMMANDS - MAX_COMMANDS, "room for never[]");

int policy_compile(struct policy_table *t, const struct policy_paths *paths, const char *class,
		   struct fault *f)
{
	struct compiler c = { .t = t, .paths = paths, .f = f };
	int err = 0;

	memset(t, 0, sizeof(*t));
	t->magic = POLICY_MAGIC;
	t->any = !strcmp(class, POLICY_ANY);
	if (!t->any)
		err = read_class(&c, NULL, class);
	if (!err)
		for (size_t i = 0; i < NR_NEVER; i++)
			add_command(t, &never[i]);
	if (!err)
		snprintf(t->class, sizeof(t->class), "%s", class);
	return err == -EREMOTE ? -EINVAL : err;
}

static int put(const struct policy_table *t, struct fault *f)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int fd = memfd_create("policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err;

	if (fd >= 0 && write(fd, t, sizeof(*t)) == sizeof(*t) && !fcntl(fd, F_ADD_SEALS, seals))
		return fd;
	err = fault(f, errno ? -errno : -EIO, "policy: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return err;
}

int policy_open(const struct policy_paths *paths, const char *class, struct fault *f)
{
	struct policy_table *t = malloc(sizeof(*t));
	int ret;

	if (!t)
		return fault(f, -ENOMEM, "out of memory");
	ret = policy_compile(t, paths, class, f);
	if (!ret)
		ret = put(t, f);
	free(t);
	return ret;
}
