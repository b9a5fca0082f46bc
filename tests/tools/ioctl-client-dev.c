// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ioctl-client-dev - ways of using real drivers for which there is no tool, or
 * whose tools look at more than the node (its major number, sysfs).  Prints what
 * it gets, so that a guest's output can be compared with dom0's.
 *
 *   ioctl-client-dev sg PATH [N]      /dev/sgN by write() and read() of sg_io_hdr,
 *                                     N requests at once: INQUIRY, READ(10)
 *   ioctl-client-dev bsg PATH         /dev/bsg/H:C:T:L by sg_io_v4
 *   ioctl-client-dev uinput PATH      makes a keyboard; prints "ready"; sends
 *                                     a key for each line of standard input
 *   ioctl-client-dev keys PATH N      shows the device and N events, by read()
 *   ioctl-client-dev userptr PATH N   V4L2: N frames into memory of its own
 *   ioctl-client-dev expbuf PATH      V4L2: a buffer as a descriptor, handed back
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bsg.h>
#include <linux/input.h>
#include <linux/uinput.h>
#include <linux/videodev2.h>
#include <scsi/sg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_REQUESTS 16
#define BLOCK 512
#define BLOCKS 9

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0) {
		printf("open %s: %s\n", path, strerrorname_np(errno));
		exit(1);
	}
	return fd;
}

static int show(const char *what, long ret)
{
	if (ret < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, ret);
	return ret < 0;
}

static uint32_t digest(const void *data, size_t size)
{
	const unsigned char *p = data;
	uint32_t h = 2166136261u;

	while (size--)
		h = (h ^ *p++) * 16777619u;
	return h;
}

/* The n-th READ(10): other blocks, other places in memory. */
static void read_command(unsigned char *cdb, uint32_t n)
{
	memset(cdb, 0, 10);
	cdb[0] = 0x28;
	cdb[5] = n * 3;
	cdb[8] = BLOCKS;
}

static int use_sg(const char *path, int nr)
{
	static unsigned char data[MAX_REQUESTS][BLOCK * BLOCKS + 100];
	unsigned char cdb[MAX_REQUESTS][10], sense[MAX_REQUESTS][32] = {};
	struct sg_io_hdr h;
	int fd = open_or_die(path, O_RDWR), bad = 0, version;

	bad |= show("SG_GET_VERSION_NUM", ioctl(fd, SG_GET_VERSION_NUM, &version));
	printf("version %d\n", version);
	for (int i = 0; i < nr; i++) {
		read_command(cdb[i], i);
		h = (struct sg_io_hdr){
			.interface_id = 'S', .cmdp = cdb[i], .cmd_len = 10,
			.dxfer_direction = SG_DXFER_FROM_DEV, .dxfer_len = BLOCK * BLOCKS,
			.dxferp = data[i] + i * 4, .sbp = sense[i], .mx_sb_len = 32,
			.timeout = 20000, .pack_id = i + 1,
		};
		bad |= show("write", write(fd, &h, sizeof(h)));
	}
	for (int i = nr; i > 0; i--) {
		/* By name, in the other order. */
		ioctl(fd, SG_SET_FORCE_PACK_ID, &(int){ 1 });
		h = (struct sg_io_hdr){
			.interface_id = 'S', .dxfer_direction = SG_DXFER_FROM_DEV, .pack_id = i,
		};
		bad |= show("read", read(fd, &h, sizeof(h)));
		printf("request %d: status %d, sense %d, resid %d, %08x\n", h.pack_id, h.status,
		       h.sb_len_wr, h.resid, digest(data[i - 1], sizeof(data[0])));
		bad |= h.status || h.host_status;
	}
	/* SG_IO with an error: sense data is written. */
	read_command(cdb[0], 0);
	cdb[0][2] = 0x7f;
	h = (struct sg_io_hdr){
		.interface_id = 'S', .cmdp = cdb[0], .cmd_len = 10,
		.dxfer_direction = SG_DXFER_FROM_DEV, .dxfer_len = BLOCK * BLOCKS,
		.dxferp = data[0], .sbp = sense[0], .mx_sb_len = 32, .timeout = 20000,
	};
	bad |= show("SG_IO beyond the end", ioctl(fd, SG_IO, &h));
	printf("status %d, sense %d: %08x\n", h.status, h.sb_len_wr, digest(sense[0], 32));
	close(fd);
	return bad;
}

static int use_bsg(const char *path)
{
	static unsigned char data[BLOCK * BLOCKS + 100];
	unsigned char cdb[10], sense[32] = {};
	int fd = open_or_die(path, O_RDWR), bad = 0;

	for (int i = 0; i < 3; i++) {
		struct sg_io_v4 h = {
			.guard = 'Q', .request_len = 10, .request = (uintptr_t)cdb,
			.max_response_len = 32, .response = (uintptr_t)sense,
			.din_xfer_len = BLOCK * BLOCKS, .din_xferp = (uintptr_t)(data + i * 4),
			.timeout = 20000,
		};

		read_command(cdb, i);
		bad |= show("SG_IO", ioctl(fd, SG_IO, &h));
		printf("status %u, resid %d, %08x\n", h.device_status, h.din_resid,
		       digest(data, sizeof(data)));
		bad |= h.device_status;
	}
	close(fd);
	return bad;
}

static int send_event(int fd, int type, int code, int value)
{
	struct input_event e = { .type = type, .code = code, .value = value };

	return write(fd, &e, sizeof(e)) != sizeof(e);
}

static int use_uinput(const char *path)
{
	struct uinput_setup setup = {
		.id = { .bustype = BUS_USB, .vendor = 0x1234, .product = 0x5678 },
		.name = "lab keyboard",
	};
	int fd = open_or_die(path, O_RDWR), bad = 0, c;
	char name[64] = "";

	bad |= show("UI_SET_EVBIT", ioctl(fd, UI_SET_EVBIT, EV_KEY));
	bad |= show("UI_SET_KEYBIT", ioctl(fd, UI_SET_KEYBIT, KEY_A));
	bad |= show("UI_SET_KEYBIT", ioctl(fd, UI_SET_KEYBIT, KEY_B));
	bad |= show("UI_DEV_SETUP", ioctl(fd, UI_DEV_SETUP, &setup));
	bad |= show("UI_DEV_CREATE", ioctl(fd, UI_DEV_CREATE));
	bad |= ioctl(fd, UI_GET_SYSNAME(sizeof(name)), name) < 0;
	printf("ready %s\n", name);
	fflush(stdout);
	while ((c = getchar()) != EOF) {
		int key = c == 'b' ? KEY_B : KEY_A;

		if (c == '\n')
			continue;
		bad |= send_event(fd, EV_KEY, key, 1) || send_event(fd, EV_SYN, SYN_REPORT, 0) ||
		       send_event(fd, EV_KEY, key, 0) || send_event(fd, EV_SYN, SYN_REPORT, 0);
	}
	bad |= show("UI_DEV_DESTROY", ioctl(fd, UI_DEV_DESTROY));
	return bad;
}

static int use_keys(const char *path, int nr)
{
	int fd = open_or_die(path, O_RDWR), bad = 0;
	unsigned char bits[KEY_MAX / 8 + 1] = {};
	struct input_event e;
	char name[100] = "";

	bad |= show("EVIOCGNAME", ioctl(fd, EVIOCGNAME(sizeof(name)), name));
	bad |= show("EVIOCGBIT", ioctl(fd, EVIOCGBIT(EV_KEY, sizeof(bits)), bits));
	printf("%s %08x\n", name, digest(bits, sizeof(bits)));
	bad |= show("EVIOCGRAB", ioctl(fd, EVIOCGRAB, 1));
	fflush(stdout);
	for (int i = 0; i < nr; i++) {
		if (read(fd, &e, sizeof(e)) != sizeof(e)) {
			printf("read: %s\n", strerrorname_np(errno));
			return 1;
		}
		printf("%d %d %d\n", e.type, e.code, e.value);
	}
	bad |= show("EVIOCGRAB", ioctl(fd, EVIOCGRAB, 0));
	close(fd);
	return bad;
}

/* A picture that does not change, and one buffer at least. */
static size_t v4l2_start(int fd, uint32_t memory, uint32_t count)
{
	struct v4l2_format f = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	struct v4l2_requestbuffers rb = { .type = f.type, .memory = memory, .count = count };

	f.fmt.pix.width = 320;
	f.fmt.pix.height = 180;
	f.fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
	show("VIDIOC_S_FMT", ioctl(fd, VIDIOC_S_FMT, &f));
	printf("%ux%u, %u bytes\n", f.fmt.pix.width, f.fmt.pix.height, f.fmt.pix.sizeimage);
	show("VIDIOC_REQBUFS", ioctl(fd, VIDIOC_REQBUFS, &rb));
	return f.fmt.pix.sizeimage;
}

/* Memory of this program, which the driver keeps from QBUF to DQBUF. */
static int use_userptr(const char *path, int nr)
{
	int fd = open_or_die(path, O_RDWR), type = V4L2_BUF_TYPE_VIDEO_CAPTURE, bad = 0;
	size_t size = v4l2_start(fd, V4L2_MEMORY_USERPTR, 3);
	struct v4l2_buffer b;
	unsigned char *p[3];
	size_t written;

	for (int i = 0; i < 3; i++) {
		p[i] = aligned_alloc(4096, (size + 8191) & ~4095ul);
		memset(p[i], 0, size);
		b = (struct v4l2_buffer){
			.type = type, .memory = V4L2_MEMORY_USERPTR, .index = i,
			.m.userptr = (unsigned long)p[i], .length = size,
		};
		bad |= show("VIDIOC_QBUF", ioctl(fd, VIDIOC_QBUF, &b));
	}
	bad |= show("VIDIOC_STREAMON", ioctl(fd, VIDIOC_STREAMON, &type));
	for (int i = 0; i < nr && !bad; i++) {
		b = (struct v4l2_buffer){ .type = type, .memory = V4L2_MEMORY_USERPTR };
		bad |= show("VIDIOC_DQBUF", ioctl(fd, VIDIOC_DQBUF, &b));
		written = 0;
		for (size_t k = 0; k < size; k++)
			written += ((unsigned char *)b.m.userptr)[k] != 0;
		printf("%u bytes, the place is ours: %d, filled: %d\n", b.bytesused,
		       b.m.userptr == (unsigned long)p[b.index], written > size / 2);
		memset((void *)b.m.userptr, 0, size);
		bad |= show("VIDIOC_QBUF", ioctl(fd, VIDIOC_QBUF, &b));
	}
	bad |= show("VIDIOC_STREAMOFF", ioctl(fd, VIDIOC_STREAMOFF, &type));
	close(fd);
	return bad;
}

/* A buffer of the driver as a descriptor, which is then given to another queue. */
static int use_expbuf(const char *path)
{
	int fd = open_or_die(path, O_RDWR), type = V4L2_BUF_TYPE_VIDEO_CAPTURE, bad = 0;
	int other, pipes[2];
	size_t size = v4l2_start(fd, V4L2_MEMORY_MMAP, 2);
	struct v4l2_exportbuffer e = { .type = type, .index = 0, .flags = O_RDWR | O_CLOEXEC };
	struct v4l2_buffer b = {
		.type = type, .memory = V4L2_MEMORY_MMAP, .index = 0, .length = size,
	};

	bad |= show("VIDIOC_EXPBUF", ioctl(fd, VIDIOC_EXPBUF, &e));
	bad |= show("F_GETFD", fcntl(e.fd, F_GETFD));
	/* A dma-buf's size. */
	printf("size: %lld\n", (long long)lseek(e.fd, 0, SEEK_END) >= (long long)size ? 1ll : 0ll);
	other = dup(e.fd);
	bad |= show("close", close(e.fd));
	bad |= pipe(pipes) < 0;
	/* To the same queue, now for buffers of others. */
	struct v4l2_requestbuffers rb = { .type = type, .memory = V4L2_MEMORY_MMAP };
	show("VIDIOC_REQBUFS 0", ioctl(fd, VIDIOC_REQBUFS, &rb));
	rb = (struct v4l2_requestbuffers){ .type = type, .memory = V4L2_MEMORY_DMABUF, .count = 2 };
	show("VIDIOC_REQBUFS DMABUF", ioctl(fd, VIDIOC_REQBUFS, &rb));
	b.memory = V4L2_MEMORY_DMABUF;
	b.m.fd = pipes[0];
	show("VIDIOC_QBUF of a pipe", ioctl(fd, VIDIOC_QBUF, &b));
	b.m.fd = 900;
	show("VIDIOC_QBUF of nothing", ioctl(fd, VIDIOC_QBUF, &b));
	b.m.fd = other;
	show("VIDIOC_QBUF", ioctl(fd, VIDIOC_QBUF, &b));
	close(other);
	close(fd);
	return bad;
}

/* Of <drm/drm.h> and <drm/drm_mode.h>, which not every machine has. */
struct drm_version {
	int major, minor, patch;
	size_t name_len;
	char *name;
	size_t date_len;
	char *date;
	size_t desc_len;
	char *desc;
};

struct drm_dumb {
	uint32_t height, width, bpp, flags, handle, pitch;
	uint64_t size;
};

struct drm_prime {
	uint32_t handle, flags;
	int32_t fd;
};

struct drm_gem_close {
	uint32_t handle, pad;
};

#define DRM_VERSION		_IOWR('d', 0x00, struct drm_version)
#define DRM_GEM_CLOSE		_IOW('d', 0x09, struct drm_gem_close)
#define DRM_PRIME_TO_FD		_IOWR('d', 0x2d, struct drm_prime)
#define DRM_PRIME_TO_HANDLE	_IOWR('d', 0x2e, struct drm_prime)
#define DRM_CREATE_DUMB		_IOWR('d', 0xb2, struct drm_dumb)

/* A buffer as a descriptor, which is given back, to another open file too. */
static int use_prime(const char *path)
{
	int fd = open_or_die(path, O_RDWR), other = open_or_die(path, O_RDWR), pipes[2], bad = 0;
	char name[32] = "", desc[64] = "";
	struct drm_version v = {
		.name = name, .name_len = sizeof(name) - 1,
		.desc = desc, .desc_len = sizeof(desc) - 1,
	};
	struct drm_dumb dumb = { .height = 64, .width = 100, .bpp = 32 };
	struct drm_prime p = { .flags = O_CLOEXEC | O_RDWR };

	bad |= show("DRM_IOCTL_VERSION", ioctl(fd, DRM_VERSION, &v));
	printf("%d.%d %s, %s\n", v.major, v.minor, name, desc);
	bad |= show("DRM_IOCTL_MODE_CREATE_DUMB", ioctl(fd, DRM_CREATE_DUMB, &dumb));
	printf("pitch %u, %llu bytes, handle %u\n", dumb.pitch, (unsigned long long)dumb.size,
	       dumb.handle);
	p.handle = dumb.handle;
	/* Not all drivers can. */
	if (show("DRM_IOCTL_PRIME_HANDLE_TO_FD", ioctl(fd, DRM_PRIME_TO_FD, &p)))
		return 1;
	bad |= show("F_GETFD", fcntl(p.fd, F_GETFD));
	printf("size: %lld\n", (long long)lseek(p.fd, 0, SEEK_END));
	p.handle = 0;
	bad |= show("DRM_IOCTL_PRIME_FD_TO_HANDLE", ioctl(fd, DRM_PRIME_TO_HANDLE, &p));
	printf("the same one: %d\n", p.handle == dumb.handle);
	p.fd = dup(p.fd);
	show("of another file", ioctl(other, DRM_PRIME_TO_HANDLE, &p));
	bad |= pipe(pipes) < 0;
	p.fd = pipes[0];
	/* EINVAL; or EBADF in a guest, as the host has no such file. */
	printf("of a pipe: refused: %d\n", ioctl(fd, DRM_PRIME_TO_HANDLE, &p) < 0);
	p.fd = 900;
	show("of nothing", ioctl(fd, DRM_PRIME_TO_HANDLE, &p));
	struct drm_gem_close c = { .handle = dumb.handle };

	show("DRM_IOCTL_GEM_CLOSE", ioctl(fd, DRM_GEM_CLOSE, &c));
	close(other);
	close(fd);
	return bad;
}

int main(int argc, char **argv)
{
	int n = argc == 4 ? atoi(argv[3]) : 4;

	if (argc < 3 || argc > 4 || n < 1 || n > MAX_REQUESTS) {
		fprintf(stderr, "usage: ioctl-client-dev sg|bsg|uinput|keys|userptr|expbuf|prime PATH [N]\n");
		return 2;
	}
	if (!strcmp(argv[1], "sg"))
		return use_sg(argv[2], n);
	if (!strcmp(argv[1], "bsg"))
		return use_bsg(argv[2]);
	if (!strcmp(argv[1], "uinput"))
		return use_uinput(argv[2]);
	if (!strcmp(argv[1], "keys"))
		return use_keys(argv[2], n);
	if (!strcmp(argv[1], "userptr"))
		return use_userptr(argv[2], n);
	if (!strcmp(argv[1], "expbuf"))
		return use_expbuf(argv[2]);
	if (!strcmp(argv[1], "prime"))
		return use_prime(argv[2]);
	fprintf(stderr, "ioctl-client-dev: what is '%s'?\n", argv[1]);
	return 2;
}
