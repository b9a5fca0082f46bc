/* SPDX-License-Identifier: MIT */
/*
 * vsysif.h - system calls on device files, between a guest and a back-end.
 *
 * Wire ABI of the xen-vsys split driver, protocol version 1.  One xenbus
 * device stands for one device node of the back-end's domain.  docs/protocol.md
 * explains the use, the XenStore nodes and the rules; its tables are compared
 * with this header at build time.
 *
 * All numbers are little endian.  Structures have no implicit padding; bytes
 * marked "zero" are written as zero by the sender and ignored by the receiver.
 * Every identifier is a small index that the receiver checks; nothing on the
 * wire is a pointer of the receiver.
 *
 * This header needs the fixed width types and ring.h of Xen or of Linux.
 */
#ifndef __XEN_PUBLIC_IO_VSYSIF_H__
#define __XEN_PUBLIC_IO_VSYSIF_H__

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <xen/interface/io/ring.h>
#define VSYS_STATIC_ASSERT(cond, text) static_assert(cond, text)
#else
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <xen/io/ring.h>
/*
 * What ring.h expects of its user: the barriers of a coherent SMP system.  To
 * users that name no interface version it gives old names, which nobody has.
 */
#undef xen_mb
#undef xen_rmb
#undef xen_wmb
#define xen_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)
#define VSYS_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#endif

/* The version that this header describes: keys "versions" and "version". */
#define VSYS_PROTOCOL_VERSION		1

/* Upper limits of the protocol.  A peer may offer less, never more. */
#define VSYS_PAGE_SIZE			4096u	/* of rings, directories and pool */
#define VSYS_MAX_RING_PAGE_ORDER	4u	/* 16 pages: 512 entries */
#define VSYS_MAX_QUEUES			16u
#define VSYS_MAX_POOL_PAGES		4096u	/* per queue: 16 MiB */
#define VSYS_MAX_POOL_PIECES		16u
#define VSYS_MAX_LENGTH			(1u << 20)	/* bytes of data per request */
#define VSYS_MAX_SEGMENTS		257u	/* VSYS_MAX_LENGTH, unaligned */
#define VSYS_INLINE_SEGMENTS		5u
#define VSYS_MAX_HANDLES		4096u	/* open files per device */
#define VSYS_MAX_MMS			1024u	/* address spaces per device */
#define VSYS_MAX_CALLS			512u	/* calls of a queue that go on */
#define VSYS_CALL_SEGMENTS		3u
#define VSYS_PAGE_ITEMS			256u	/* items in a page */
/* Below this no address of a caller is reached. */
#define VSYS_MIRROR_START		0x400000u

/*
 * A part of the queue's pool.  The pool is one range of bytes: page number
 * offset / VSYS_PAGE_SIZE, in the order of the pool directory.  A segment may
 * span pages that are neighbours in the same piece of the pool.
 *
 *  0        4        8
 *  | offset | length |
 */
struct vsys_segment {
	uint32_t offset;
	uint32_t length;
};

/*
 * A page of the pool directory: the grant references of the pool's pages.
 * The first directory page is named by the key "pool-ref"; "next" names the
 * one after it (0: none).  All but the last are full.  The back-end reads the
 * directory once, when it connects; and that of each further piece (POOL_GROW).
 *
 *  0      4      8
 *  | next | zero | gref[0] | gref[1] | ...
 */
#define VSYS_POOL_DIR_GREFS		1022u
struct vsys_pool_dir {
	uint32_t next;
	uint32_t zero;
	uint32_t gref[VSYS_POOL_DIR_GREFS];
};

/*
 * Operations.  A back-end answers one that it does not carry out with
 * -VSYS_ENOSYS; a number from VSYS_OP_LIMIT up is a protocol violation.
 * Numbers marked (feature) belong to a feature key that both sides set.
 */
#define VSYS_OP_NOP			0u
#define VSYS_OP_OPEN			1u
#define VSYS_OP_RELEASE			2u
#define VSYS_OP_READ			3u
#define VSYS_OP_WRITE			4u
#define VSYS_OP_LSEEK			5u
#define VSYS_OP_FSYNC			6u	/* also flush of a block node */
#define VSYS_OP_CANCEL			7u
#define VSYS_OP_DISCARD			8u
#define VSYS_OP_WRITE_ZEROES		9u
#define VSYS_OP_POOL_GROW		10u	/* (feature-pool-grow) */
#define VSYS_OP_POOL_SHRINK		11u	/* (feature-pool-grow) */
#define VSYS_OP_IOCTL			16u	/* (feature-ioctl) */
#define VSYS_OP_COMPAT_IOCTL		17u	/* (feature-ioctl) */
#define VSYS_OP_POLL			18u	/* (feature-poll) */
#define VSYS_OP_MMAP			19u	/* (feature) */
#define VSYS_OP_MUNMAP			20u	/* (feature) */
#define VSYS_OP_LOCK			21u	/* (feature) */
#define VSYS_OP_FALLOCATE		22u	/* (feature) */
#define VSYS_OP_MIRROR_READ		23u	/* (feature-ioctl) read(2) with pointers in the data */
#define VSYS_OP_MIRROR_WRITE		24u	/* (feature-ioctl) write(2), the same */
#define VSYS_OP_CONTINUE		32u	/* (feature-ioctl) goes on with a call */
#define VSYS_OP_MM_EXIT			33u	/* (feature-ioctl) an address space is gone */
#define VSYS_OP_WATCH			34u	/* (feature-ioctl) what drivers change later */
#define VSYS_OP_PORT_BATCH		40u	/* (feature-port-batch) */
#define VSYS_OP_LIMIT			64u

/*
 * vsys_request.flags: status flags of the open file, in OPEN, READ, WRITE,
 * IOCTL, COMPAT_IOCTL, MIRROR_READ and MIRROR_WRITE.
 */
#define VSYS_O_RDONLY			0x00000000u
#define VSYS_O_WRONLY			0x00000001u
#define VSYS_O_RDWR			0x00000002u
#define VSYS_O_ACCMODE			0x00000003u
#define VSYS_O_NONBLOCK			0x00000004u
#define VSYS_O_EXCL			0x00000008u	/* OPEN only */
#define VSYS_O_DIRECT			0x00000010u
#define VSYS_O_SYNC			0x00000020u	/* with O_DSYNC, as in POSIX */
#define VSYS_O_DSYNC			0x00000040u
#define VSYS_O_APPEND			0x00000080u
#define VSYS_O_MASK			0x000000ffu
/* ... and of this one READ or WRITE (the RWF_ flags of preadv2(2)). */
#define VSYS_RW_DSYNC			0x00000100u
#define VSYS_RW_SYNC			0x00000200u
#define VSYS_RW_APPEND			0x00000400u
#define VSYS_RW_NOWAIT			0x00000800u
#define VSYS_RW_HIPRI			0x00001000u
/*
 * The offset is the open file's own position: the call was read() or write(),
 * or a pread() that cannot be told from one.  The response's pos is where the
 * native driver left the position.  Without this flag: pread() or pwrite().
 */
#define VSYS_RW_CURPOS			0x00002000u
#define VSYS_RW_MASK			0x00003f00u
/* FSYNC: data only, as fdatasync(2). */
#define VSYS_FSYNC_DATA			0x00010000u
/* WRITE_ZEROES: the range stays allocated. */
#define VSYS_ZERO_NOUNMAP		0x00020000u
/* segment[0] locates the array of segments in the pool; nr_segments is 1. */
#define VSYS_RQ_INDIRECT		0x80000000u
/* POLL: answer at once. */
#define VSYS_POLL_NOW			0x00040000u
/* CONTINUE: nobody waits for the call any more. */
#define VSYS_CALL_ABORT			0x00080000u
/* MIRROR_READ, MIRROR_WRITE: of a 32-bit program. */
#define VSYS_CALL_COMPAT		0x00100000u
#define VSYS_FLAGS_MASK			0x801f3fffu

/* vsys_request.length of LSEEK. */
#define VSYS_SEEK_SET			0u
#define VSYS_SEEK_CUR			1u
#define VSYS_SEEK_END			2u
#define VSYS_SEEK_DATA			3u
#define VSYS_SEEK_HOLE			4u

/* vsys_response.pos of OPEN, page of NEW_FILE: what the native file can do. */
#define VSYS_FILE_LSEEK			0x1u	/* lseek() does not give ESPIPE */
#define VSYS_FILE_PREAD			0x2u	/* pread() is allowed */
#define VSYS_FILE_PWRITE		0x4u	/* pwrite() is allowed */
#define VSYS_FILE_CLAIMED		0x8u	/* OPEN: the domain has the device exclusively */

/*
 * A request: 64 bytes.
 *
 *   0        2    3             4        8
 *   | id     | op | nr_segments | handle |
 *   8                                   16
 *   | offset                             |
 *  16                 20                24
 *   | length           | flags           |
 *  24                                   64
 *   | u: 40 bytes, by operation          |
 *
 * id:          smaller than the number of ring entries, not in use by a
 *              request without a response
 * handle:      of an OPEN's response (value); 0 in OPEN and NOP
 * offset:      of the file, in bytes; LSEEK: signed; IOCTL, COMPAT_IOCTL: the
 *              argument; MIRROR_READ, MIRROR_WRITE: the caller's address
 * length:      the sum of the segments' lengths: bytes of READ and WRITE.
 *              LSEEK: VSYS_SEEK_*; POOL_GROW: bytes of the new piece
 */
struct vsys_request {
	uint16_t id;
	uint8_t  op;
	uint8_t  nr_segments;
	uint32_t handle;
	uint64_t offset;
	uint32_t length;
	uint32_t flags;
	union {
		/* READ, WRITE: where in the pool the data goes to or is. */
		struct vsys_segment segment[VSYS_INLINE_SEGMENTS];
		/* DISCARD, WRITE_ZEROES: from offset, in bytes. */
		struct {
			uint64_t length;
		} range;
		/* LSEEK: the front-end's idea of the current position. */
		struct {
			uint64_t pos;
		} lseek;
		/* POOL_GROW: the first directory page of the new piece. */
		struct {
			uint32_t ref;
		} pool;
		/* CANCEL: the id of the request that shall end early. */
		struct {
			uint16_t id;
		} cancel;
		/*
		 * IOCTL, COMPAT_IOCTL, MIRROR_READ, MIRROR_WRITE, CONTINUE,
		 * MM_EXIT, WATCH (feature-ioctl): calls in the caller's mirrored address
		 * space.  The argument is in "offset".  The segments are whole
		 * pages of the pool, length bytes in all: page 0 holds items,
		 * the others data.
		 */
		struct {
			uint32_t cmd;
			uint32_t mm;
			uint16_t call;
			uint16_t nr_items;
			uint32_t zero;
			struct vsys_segment segment[VSYS_CALL_SEGMENTS];
		} call;
		/* POLL (feature-poll): events as in poll(2); answered once. */
		struct {
			uint32_t events;
		} poll;
		/*
		 * PORT_BATCH (feature-port-batch): segment[0] holds nr
		 * operations, and after them the bytes of their blocks.
		 */
		struct {
			uint32_t nr;
			uint32_t zero;
			struct vsys_segment segment[1];
		} ports;
		uint8_t bytes[40];
	} u;
};

/*
 * A response: 32 bytes.  Every byte is written.
 *
 *   0        2    3      4           8
 *   | id     | op | zero | status    |
 *   8                               16
 *   | value                          |
 *  16                               24
 *   | pos                            |
 *  24                               32
 *   | zero                           |
 *
 * id, op:   of the request
 * status:   0, or a negative VSYS_E* number
 * value:    OPEN: the handle; READ, WRITE: bytes done (at most length);
 *           LSEEK: the new position; CANCEL: 1 if the request was found;
 *           IOCTL and its kin: what the native call returned;
 *           POLL: revents as in poll(2); PORT_BATCH: operations done
 * pos:      OPEN: VSYS_FILE_*; READ, WRITE with VSYS_RW_CURPOS: the position
 *           after the call; IOCTL and its kin: VSYS_CALL_*
 */
struct vsys_response {
	uint16_t id;
	uint8_t  op;
	uint8_t  zero0;
	int32_t  status;
	uint64_t value;
	uint64_t pos;
	uint64_t zero1;
};

/* vsys_response.pos of IOCTL, MIRROR_READ, MIRROR_WRITE and CONTINUE. */
#define VSYS_CALL_ITEMS			0xffffu	/* items in page 0 of the request */
#define VSYS_CALL_MORE			0x10000u	/* the call goes on: CONTINUE */
#define VSYS_CALL_KEPT			0x20000u	/* a driver keeps memory: WATCH */

/*
 * Items: what the two sides of a call tell each other.  The front-end writes
 * nr_items of them to the request's page 0; the back-end reads each once, and
 * writes its own to the same page before it answers.  docs/mirror.md explains
 * them.
 *
 *   0                                    8
 *   | addr                                |
 *   8          12       14    15         16
 *   | value    | page   | op  | flags     |
 */
#define VSYS_ITEM_PAGE			1u	/* caller's page addr is in page "page" */
#define VSYS_ITEM_NONE			2u	/* there is no memory at addr */
#define VSYS_ITEM_GRANT			3u	/* caller's page addr has grant reference value */
#define VSYS_ITEM_FILE			4u	/* descriptor addr is handle value of device page */
#define VSYS_ITEM_NEED			16u	/* value pages from addr on are needed */
#define VSYS_ITEM_DIRTY			17u	/* value bytes at addr have changed */
#define VSYS_ITEM_NEW_FILE		18u	/* handle value is a new file; its number goes to addr */
#define VSYS_ITEM_UNMAPPED		19u	/* the grant of page addr is no longer mapped */
#define VSYS_ITEM_SCATTERED		20u	/* bytes of page addr; bits "value" say which */
/* vsys_item.flags */
#define VSYS_ITEM_WRITABLE		0x1u	/* PAGE, GRANT: the caller may write there */
#define VSYS_ITEM_WRITE			0x2u	/* NEED: it is to be written */
#define VSYS_ITEM_MAP			0x4u	/* NEED: as GRANT, if it can be */
#define VSYS_ITEM_RETURN		0x8u	/* NEW_FILE: the number is what the call returns */
#define VSYS_ITEM_KEPT			0x10u	/* DIRTY, SCATTERED: if there still is such memory */
#define VSYS_SCATTERED_BITS		512u	/* bytes: a bit for each byte of a page */
struct vsys_item {
	uint64_t addr;
	uint32_t value;
	uint16_t page;
	uint8_t  op;
	uint8_t  flags;
};

/* Upper limits of a PORT_BATCH. */
#define VSYS_PORT_MAX_OPS		128u
#define VSYS_PORT_MAX_BYTES		8192u	/* of all its blocks */
#define VSYS_PORT_MAX_READS		1000u	/* of one CHANGE or UNTIL */
#define VSYS_PORT_MAX_POLL_MS		20u	/* all its CHANGE and UNTIL together */
#define VSYS_PORT_MAX_RANGE		256u	/* ports of a device */

/* vsys_port_op.op */
#define VSYS_PORT_OUT			1u	/* value */
#define VSYS_PORT_IN			2u	/* value is the answer */
#define VSYS_PORT_OUTS			3u	/* count values, from byte "value" on */
#define VSYS_PORT_INS			4u	/* the same, to there */
#define VSYS_PORT_CHANGE		5u	/* IN, again until (new ^ value) & mask */
#define VSYS_PORT_UNTIL			6u	/* IN, again until (new & mask) == value */
#define VSYS_PORT_WHEN			7u	/* IN; if not, count operations are left out */

/*
 * One operation of a PORT_BATCH: 16 bytes.
 *
 *   0      2    3       4       8       12     16
 *   | port | op | width | value | count | mask |
 *
 * width:    the access has 1 << width bytes
 * value:    of OUTS and INS: counted from the end of the operations
 * count:    of CHANGE and UNTIL: reads, at most
 */
struct vsys_port_op {
	uint16_t port;
	uint8_t  op;
	uint8_t  width;
	uint32_t value;
	uint32_t count;
	uint32_t mask;
};

VSYS_STATIC_ASSERT(sizeof(struct vsys_segment) == 8, "vsys_segment");
VSYS_STATIC_ASSERT(sizeof(struct vsys_pool_dir) == VSYS_PAGE_SIZE, "vsys_pool_dir");
VSYS_STATIC_ASSERT(sizeof(struct vsys_request) == 64, "vsys_request");
VSYS_STATIC_ASSERT(offsetof(struct vsys_request, u) == 24, "vsys_request.u");
VSYS_STATIC_ASSERT(sizeof(struct vsys_response) == 32, "vsys_response");
VSYS_STATIC_ASSERT(sizeof(struct vsys_item) == 16, "vsys_item");
VSYS_STATIC_ASSERT(offsetof(struct vsys_request, u.call.segment) == 40, "vsys_request.u.call");
VSYS_STATIC_ASSERT(sizeof(struct vsys_port_op) == 16, "vsys_port_op");

/* ring.h of Linux lacks nothing that these need; entries are 64 bytes. */
DEFINE_RING_TYPES(vsys, struct vsys_request, struct vsys_response);

/* Entries of a ring of 1 << order pages: 32, 64 (as 127 rounds down), ... */
#define VSYS_RING_ENTRIES(order) \
	((uint32_t)__CONST_RING_SIZE(vsys, VSYS_PAGE_SIZE << (order)))

/*
 * Errors.  The numbers belong to the protocol; they are those of Linux's
 * generic table, so that a Linux peer translates by comparing.  A number that
 * is not in the table is read as VSYS_EIO.  X(name, number)
 */
#define VSYS_ERRNO_TABLE(X) \
	X(EPERM, 1)		X(ENOENT, 2)		X(ESRCH, 3) \
	X(EINTR, 4)		X(EIO, 5)		X(ENXIO, 6) \
	X(E2BIG, 7)		X(ENOEXEC, 8)		X(EBADF, 9) \
	X(ECHILD, 10)		X(EAGAIN, 11)		X(ENOMEM, 12) \
	X(EACCES, 13)		X(EFAULT, 14)		X(ENOTBLK, 15) \
	X(EBUSY, 16)		X(EEXIST, 17)		X(EXDEV, 18) \
	X(ENODEV, 19)		X(ENOTDIR, 20)		X(EISDIR, 21) \
	X(EINVAL, 22)		X(ENFILE, 23)		X(EMFILE, 24) \
	X(ENOTTY, 25)		X(ETXTBSY, 26)		X(EFBIG, 27) \
	X(ENOSPC, 28)		X(ESPIPE, 29)		X(EROFS, 30) \
	X(EMLINK, 31)		X(EPIPE, 32)		X(EDOM, 33) \
	X(ERANGE, 34)		X(EDEADLK, 35)		X(ENAMETOOLONG, 36) \
	X(ENOLCK, 37)		X(ENOSYS, 38)		X(ENOTEMPTY, 39) \
	X(ELOOP, 40)		X(ENOMSG, 42)		X(EIDRM, 43) \
	X(ECHRNG, 44)		X(EL2NSYNC, 45)		X(EL3HLT, 46) \
	X(EL3RST, 47)		X(ELNRNG, 48)		X(EUNATCH, 49) \
	X(ENOCSI, 50)		X(EL2HLT, 51)		X(EBADE, 52) \
	X(EBADR, 53)		X(EXFULL, 54)		X(ENOANO, 55) \
	X(EBADRQC, 56)		X(EBADSLT, 57)		X(EBFONT, 59) \
	X(ENOSTR, 60)		X(ENODATA, 61)		X(ETIME, 62) \
	X(ENOSR, 63)		X(ENONET, 64)		X(ENOPKG, 65) \
	X(EREMOTE, 66)		X(ENOLINK, 67)		X(EADV, 68) \
	X(ESRMNT, 69)		X(ECOMM, 70)		X(EPROTO, 71) \
	X(EMULTIHOP, 72)	X(EDOTDOT, 73)		X(EBADMSG, 74) \
	X(EOVERFLOW, 75)	X(ENOTUNIQ, 76)		X(EBADFD, 77) \
	X(EREMCHG, 78)		X(ELIBACC, 79)		X(ELIBBAD, 80) \
	X(ELIBSCN, 81)		X(ELIBMAX, 82)		X(ELIBEXEC, 83) \
	X(EILSEQ, 84)		X(ERESTART, 85)		X(ESTRPIPE, 86) \
	X(EUSERS, 87)		X(ENOTSOCK, 88)		X(EDESTADDRREQ, 89) \
	X(EMSGSIZE, 90)		X(EPROTOTYPE, 91)	X(ENOPROTOOPT, 92) \
	X(EPROTONOSUPPORT, 93)	X(ESOCKTNOSUPPORT, 94)	X(EOPNOTSUPP, 95) \
	X(EPFNOSUPPORT, 96)	X(EAFNOSUPPORT, 97)	X(EADDRINUSE, 98) \
	X(EADDRNOTAVAIL, 99)	X(ENETDOWN, 100)	X(ENETUNREACH, 101) \
	X(ENETRESET, 102)	X(ECONNABORTED, 103)	X(ECONNRESET, 104) \
	X(ENOBUFS, 105)		X(EISCONN, 106)		X(ENOTCONN, 107) \
	X(ESHUTDOWN, 108)	X(ETOOMANYREFS, 109)	X(ETIMEDOUT, 110) \
	X(ECONNREFUSED, 111)	X(EHOSTDOWN, 112)	X(EHOSTUNREACH, 113) \
	X(EALREADY, 114)	X(EINPROGRESS, 115)	X(ESTALE, 116) \
	X(EUCLEAN, 117)		X(ENOTNAM, 118)		X(ENAVAIL, 119) \
	X(EISNAM, 120)		X(EREMOTEIO, 121)	X(EDQUOT, 122) \
	X(ENOMEDIUM, 123)	X(EMEDIUMTYPE, 124)	X(ECANCELED, 125) \
	X(ENOKEY, 126)		X(EKEYEXPIRED, 127)	X(EKEYREVOKED, 128) \
	X(EKEYREJECTED, 129)	X(EOWNERDEAD, 130)	X(ENOTRECOVERABLE, 131) \
	X(ERFKILL, 132)		X(EHWPOISON, 133)

#define VSYS_ERRNO_ENUM(name, number) VSYS_##name = number,
enum vsys_errno { VSYS_OK = 0, VSYS_ERRNO_TABLE(VSYS_ERRNO_ENUM) };
#undef VSYS_ERRNO_ENUM

#endif /* __XEN_PUBLIC_IO_VSYSIF_H__ */
