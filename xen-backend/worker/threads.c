// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * threads.c - a bounded pool of threads for native calls that may block.
 *
 * A running call is interrupted by a signal.  The signal may arrive just before
 * the thread enters the kernel and is then without effect, so threads_kick() is
 * repeated until the job ends.  A signal that arrives after the call has ended
 * must not hit the next one: it is taken away before.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../log.h"
#include "container.h"
#include "limits.h"
#include "threads.h"

#define KICK_SIGNAL	SIGUSR1
#define IDLE_SECONDS	30
#define IDLE_KEPT	1

static void on_kick(int sig)
{
	(void)sig;		/* its purpose is EINTR */
}

static void some_finished(struct bell *b)
{
	struct threads *t = container_of(b, struct threads, bell);
	struct thread_jobs finished = TAILQ_HEAD_INITIALIZER(finished);
	struct thread_job *job;

	pthread_mutex_lock(&t->lock);
	TAILQ_CONCAT(&finished, &t->finished, link);
	pthread_mutex_unlock(&t->lock);

	while ((job = TAILQ_FIRST(&finished))) {
		TAILQ_REMOVE(&finished, job, link);
		job->state = JOB_NONE;
		job->done(job, job->res);
	}
}

static void finish(struct threads *t, struct thread_job *job)
{
	const uint64_t one = 1;

	job->state = JOB_FINISHED;
	if (TAILQ_EMPTY(&t->finished) && write(t->bell.fd, &one, sizeof(one)) < 0)
		log_err("eventfd: %m");
	TAILQ_INSERT_TAIL(&t->finished, job, link);
}

int threads_init(struct threads *t, struct uring *u, const struct near *near, unsigned int max)
{
	struct sigaction sa = { .sa_handler = on_kick };
	int err;

	memset(t, 0, sizeof(*t));
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->more, NULL);
	pthread_cond_init(&t->fewer, NULL);
	TAILQ_INIT(&t->queued);
	TAILQ_INIT(&t->running);
	TAILQ_INIT(&t->finished);
	t->near = near;
	t->max = max;

	/* Without SA_RESTART: the interrupted call shall return. */
	if (sigaction(KICK_SIGNAL, &sa, NULL) < 0)
		return -errno;
	err = bell_make(&t->bell, some_finished);
	if (err) {
		log_err("eventfd: %s", strerror(-err));
		return err;
	}
	bell_watch(&t->bell, u);
	return 0;
}

void threads_exit(struct threads *t)
{
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_broadcast(&t->more);
	while (t->nr)
		pthread_cond_wait(&t->fewer, &t->lock);
	pthread_mutex_unlock(&t->lock);
	if (t->any_ended)
		pthread_join(t->ended, NULL);

	bell_exit(&t->bell);
	pthread_cond_destroy(&t->more);
	pthread_cond_destroy(&t->fewer);
	pthread_mutex_destroy(&t->lock);
}

static void run_job(struct threads *t, struct thread_job *job)
{
	static const struct timespec now;
	sigset_t set;

	/* -EINTR without a cancellation: the end of the previous job's. */
	do
		job->res = job->run(job);
	while (job->res == -EINTR && !__atomic_load_n(&job->cancelled, __ATOMIC_ACQUIRE));

	pthread_mutex_lock(&t->lock);
	TAILQ_REMOVE(&t->running, job, link);
	if (job->cancelled)
		t->nr_cancelled--;
	if (job->kicked) {
		/* No further kick can come; an undelivered one goes. */
		sigemptyset(&set);
		sigaddset(&set, KICK_SIGNAL);
		pthread_sigmask(SIG_BLOCK, &set, NULL);
		sigtimedwait(&set, NULL, &now);
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	}
	finish(t, job);
}

static void *thread_main(void *arg)
{
	struct threads *t = arg;
	struct thread_job *job;
	struct timespec until;
	pthread_t before;
	bool any;
	int ret;

	pthread_mutex_lock(&t->lock);
	for (;;) {
		ret = 0;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += IDLE_SECONDS;
		t->idle++;
		/* Those that stay anyhow are not woken up to find that out. */
		while (!t->stop && TAILQ_EMPTY(&t->queued) && ret != ETIMEDOUT)
			ret = t->idle > IDLE_KEPT ?
			      pthread_cond_timedwait(&t->more, &t->lock, &until) :
			      pthread_cond_wait(&t->more, &t->lock);
		t->idle--;

		job = TAILQ_FIRST(&t->queued);
		if (!job) {
			if (t->stop || t->idle >= IDLE_KEPT)
				break;
			continue;
		}
		TAILQ_REMOVE(&t->queued, job, link);
		TAILQ_INSERT_TAIL(&t->running, job, link);
		job->state = JOB_RUNNING;
		job->thread = pthread_self();
		pthread_mutex_unlock(&t->lock);
		run_job(t, job);	/* returns with the lock */
	}
	t->nr--;
	/* Each waits for the end of the one before, so that the last one's is the end of all. */
	any = t->any_ended;
	before = t->ended;
	t->any_ended = true;
	t->ended = pthread_self();
	pthread_cond_signal(&t->fewer);
	pthread_mutex_unlock(&t->lock);
	if (any)
		pthread_join(before, NULL);
	return NULL;
}

/* With the lock. */
static int thread_create(struct threads *t)
{
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, VSYS_THREAD_STACK);
	/* Not where the worker happens to be bound. */
	if (t->near->bound)
		pthread_attr_setaffinity_np(&attr, sizeof(t->near->all), &t->near->all);
	ret = pthread_create(&thread, &attr, thread_main, t);
	pthread_attr_destroy(&attr);
	if (ret == 0)
		t->nr++;
	return ret;
}

void threads_start(struct threads *t, struct thread_job *job)
{
	unsigned int waiting = 0;
	struct thread_job *j;
	int ret = 0;

	job->cancelled = job->kicked = false;
	pthread_mutex_lock(&t->lock);
	job->state = JOB_QUEUED;
	TAILQ_INSERT_TAIL(&t->queued, job, link);
	TAILQ_FOREACH(j, &t->queued, link)
		if (++waiting > t->idle)
			break;
	if (waiting > t->idle && t->nr < t->max)
		ret = thread_create(t);
	if (ret && !t->nr) {
		/* Nobody would ever take it. */
		TAILQ_REMOVE(&t->queued, job, link);
		job->res = -ENOMEM;
		finish(t, job);
	}
	pthread_cond_signal(&t->more);
	pthread_mutex_unlock(&t->lock);
}

void threads_cancel(struct threads *t, struct thread_job *job)
{
	pthread_mutex_lock(&t->lock);
	if (job->state == JOB_QUEUED) {
		TAILQ_REMOVE(&t->queued, job, link);
		job->res = -ECANCELED;
		finish(t, job);
	} else if (job->state == JOB_RUNNING) {
		if (!job->cancelled)
			t->nr_cancelled++;
		__atomic_store_n(&job->cancelled, true, __ATOMIC_RELEASE);
		job->kicked = true;
		pthread_kill(job->thread, KICK_SIGNAL);
	}
	pthread_mutex_unlock(&t->lock);
}

bool threads_kick(struct threads *t)
{
	struct thread_job *job;
	bool any;

	pthread_mutex_lock(&t->lock);
	any = t->nr_cancelled > 0;
	if (any) {
		TAILQ_FOREACH(job, &t->running, link)
			if (job->cancelled)
				pthread_kill(job->thread, KICK_SIGNAL);
	}
	pthread_mutex_unlock(&t->lock);
	return any;
}
