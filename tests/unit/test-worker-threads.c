// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-threads.c - threads for native calls: bounds, order, interruption.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/worker-fixture.h"
#include "xen-backend/worker/container.h"

static struct uring uring;
static struct threads threads;
static struct near near;

struct job {
	struct thread_job job;
	int fd;
	unsigned int runs;
	bool done;
	long res;
};

static int setup(void **state)
{
	(void)state;
	return uring_init(&uring) || threads_init(&threads, &uring, &near, 4);
}

static int teardown(void **state)
{
	(void)state;
	threads_exit(&threads);
	uring_exit(&uring);
	return 0;
}

static void job_done(struct thread_job *job, long res)
{
	struct job *j = container_of(job, struct job, job);

	assert_false(j->done);
	j->done = true;
	j->res = res;
}

static void start(struct job *j, long (*run)(struct thread_job *))
{
	j->job.run = run;
	j->job.done = job_done;
	j->done = false;
	threads_start(&threads, &j->job);
}

static void wait_done(struct job *j)
{
	for (patience(); !j->done; check_patience("a job")) {
		uring_run(&uring, true, 5);
		threads_kick(&threads);
	}
}

static long read_run(struct thread_job *job)
{
	struct job *j = container_of(job, struct job, job);
	ssize_t n;
	char c;

	j->runs++;
	n = read(j->fd, &c, 1);
	return n < 0 ? -errno : n;
}

static void busy(unsigned int ms)
{
	int64_t until = worker_now() + ms;

	while (worker_now() < until)
		;
}

/* Every signal up to the first that hits the read() is lost. */
static long late_read_run(struct thread_job *job)
{
	busy(50);
	return read_run(job);
}

static long eintr_run(struct thread_job *job)
{
	struct job *j = container_of(job, struct job, job);

	return ++j->runs < 3 ? -EINTR : 17;
}

static void told_again(void **state)
{
	struct job j = { 0 };
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	j.fd = p[0];
	start(&j, late_read_run);
	while (__atomic_load_n(&j.job.state, __ATOMIC_ACQUIRE) != JOB_RUNNING)
		usleep(100);
	threads_cancel(&threads, &j.job);
	wait_done(&j);
	assert_int_equal(j.res, -EINTR);
	assert_int_equal(j.runs, 1);
	close(p[0]);
	close(p[1]);
}

/* EINTR that nobody asked for is not the guest's business. */
static void called_again(void **state)
{
	struct job j = { 0 };

	(void)state;
	start(&j, eintr_run);
	wait_done(&j);
	assert_int_equal(j.res, 17);
	assert_int_equal(j.runs, 3);
}

static void bounded(void **state)
{
	struct job j[10];
	unsigned int i, ended;
	int p[2];

	(void)state;
	memset(j, 0, sizeof(j));
	assert_int_equal(pipe(p), 0);
	for (i = 0; i < 10; i++) {
		j[i].fd = p[0];
		start(&j[i], read_run);
	}
	uring_run(&uring, true, 50);
	assert_int_equal(threads.nr, 4);
	/* Those that wait end without having been called. */
	threads_cancel(&threads, &j[9].job);
	wait_done(&j[9]);
	assert_int_equal(j[9].res, -ECANCELED);
	assert_int_equal(j[9].runs, 0);
	for (ended = 0; ended < 9; ) {
		assert_int_equal(write(p[1], "x", 1), 1);
		uring_run(&uring, true, 1000);
		for (i = 0, ended = 0; i < 10; i++)
			ended += i < 9 && j[i].done;
	}
	for (i = 0; i < 9; i++)
		assert_int_equal(j[i].res, 1);
	close(p[0]);
	close(p[1]);
}

static pthread_barrier_t all_run;
static pthread_key_t key;
static unsigned int destroyed;

static void destroy(void *arg)
{
	(void)arg;
	busy(20);
	__atomic_fetch_add(&destroyed, 1, __ATOMIC_RELAXED);
}

static long leave_something(struct thread_job *job)
{
	pthread_setspecific(key, job);
	/* Each in a thread of its own. */
	pthread_barrier_wait(&all_run);
	return 0;
}

/* What comes after threads_exit() may fork: a thread that still ends could hold locks. */
static void all_ended(void **state)
{
	struct job j[3];
	unsigned int i;

	(void)state;
	assert_int_equal(pthread_barrier_init(&all_run, NULL, 3), 0);
	assert_int_equal(pthread_key_create(&key, destroy), 0);
	memset(j, 0, sizeof(j));
	for (i = 0; i < 3; i++)
		start(&j[i], leave_something);
	for (i = 0; i < 3; i++)
		wait_done(&j[i]);
	assert_int_equal(threads.nr, 3);
	threads_exit(&threads);
	assert_int_equal(destroyed, 3);
	pthread_key_delete(key);
	pthread_barrier_destroy(&all_run);
	assert_int_equal(threads_init(&threads, &uring, &near, 4), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(told_again), T(called_again), T(bounded), T(all_ended),
	};

	return can_run() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
