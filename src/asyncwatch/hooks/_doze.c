/* The watcher's sleep while all is well: it looks without the GIL. A part of _record.c, which includes it.

   To get the GIL from a program that is busy takes some twenty wake-ups, and to look in Python more than that. So as
   long as the loop answers, each look is made here: by the kernel's word that the loop's thread waits for something to
   do, else by a question. That is a pending call, which the main thread makes between two instructions of Python; it
   has the loop call `pong` in its next turn. Whatever else is seen ends the sleep, and the watcher looks as it always
   did. What is noted of each look is what Python would have noted.
   https://docs.python.org/3/c-api/init.html#c.Py_AddPendingCall (needs neither a thread state nor the GIL)
   https://man7.org/linux/man-pages/man5/proc_pid_syscall.5.html */

#ifdef __linux__

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Lateness of less is an ordinary busy machine; as `PUNCTUAL` in pulse.py. */
#define PUNCTUAL 0.005
#define MOST_CLOCKS 32
#define MOST_TIMERS 3
#define MOST_LAGS 64
#define FILE_SIZE 1024

/* Why the sleep is over. */
enum why { POKED, DUE, SILENT, LATE, WANTED, FAILED };

/* -- what the watcher waits on -- */

typedef struct {
    PyObject_HEAD
    PyThread_type_lock lock;
    volatile char locked;
} Wake;

static PyObject *
wake_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    Wake *self = (Wake *)type->tp_alloc(type, 0);
    if (self != NULL && (self->lock = PyThread_allocate_lock()) == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void
wake_dealloc(PyObject *object)
{
    Wake *self = (Wake *)object;
    if (self->lock != NULL) {
        if (self->locked) {
            PyThread_release_lock(self->lock);
        }
        PyThread_free_lock(self->lock);
    }
    Py_TYPE(object)->tp_free(object);
}

/* Without the GIL; negative microseconds are for ever. */
static int
wake_waits(Wake *self, long long microseconds)
{
    int got = PyThread_acquire_lock_timed(self->lock, microseconds, 0) == PY_LOCK_ACQUIRED;
    if (got) {
        self->locked = 1;
    }
    return got;
}

PyDoc_STRVAR(wake_acquire_doc,
"acquire(timeout=-1.0) -> bool\n\n"
"As a lock of `_thread`, with what the watcher needs of one.");

static PyObject *
wake_acquire(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"timeout", NULL};
    double timeout = -1.0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|d:acquire", names, &timeout)) {
        return NULL;
    }
    int got;
    Py_BEGIN_ALLOW_THREADS
    got = wake_waits((Wake *)self, timeout < 0 ? -1 : (long long)(timeout * 1e6));
    Py_END_ALLOW_THREADS
    return PyBool_FromLong(got);
}

static PyObject *
wake_release(PyObject *object, PyObject *Py_UNUSED(ignored))
{
    Wake *self = (Wake *)object;
    if (!self->locked) {
        PyErr_SetString(PyExc_RuntimeError, "release unlocked lock");
        return NULL;
    }
    self->locked = 0;
    PyThread_release_lock(self->lock);
    Py_RETURN_NONE;
}

static PyMethodDef wake_methods[] = {
    {"acquire", (PyCFunction)(void (*)(void))wake_acquire, METH_VARARGS | METH_KEYWORDS, wake_acquire_doc},
    {"release", wake_release, METH_NOARGS, "Raises RuntimeError when nobody has acquired it."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject WakeType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "asyncwatch.hooks._record.Wake",
    .tp_basicsize = sizeof(Wake),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = wake_dealloc,
    .tp_methods = wake_methods,
    .tp_new = wake_new,
};

/* -- the question -- */

/* One for the process: a pending call may be made long after the sleep that asked for it, and in a forked child. */
static struct {
    PyObject *put;  /* puts it, and says whether that could be; NULL while nobody asks */
    volatile int queued, refused;
    pid_t asker;
} question;

/* In the main thread, between two instructions of whatever it runs; -1 with an exception, which is the program's own: a
   signal's handler raised in the middle of this, or another thread has it raise. */
static int
put_question(void *Py_UNUSED(nothing))
{
    question.queued = 0;
    if (question.put == NULL || question.asker != getpid()) {
        return 0;
    }
    /* A debugger would step into what is called here. */
    PyThreadState *state = PyThreadState_Get();
    if (state->c_tracefunc != NULL || state->c_profilefunc != NULL) {
        question.refused = 1;
        return 0;
    }
    PyObject *put = Py_NewRef(question.put);
    PyObject *done = PyObject_CallOneArg(put, Py_True);
    Py_DECREF(put);
    if (done != Py_True) {
        question.refused = 1;
    }
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* -- the sleep -- */

typedef struct {
    timer_t id;
    struct itimerspec spec;
} Alarm;

/* What is given, and what is found; all that the look without the GIL touches, but for the room. */
typedef struct {
    PyThreadState *thread;
    Wake *wake;
    Room *room;
    clockid_t clock;
    long poll;  /* the descriptor that the loop waits on */
    const char *standing, *scheduled, *throttled;  /* files; empty where there is none */
    clockid_t clocks[MOST_CLOCKS];
    Alarm alarms[MOST_TIMERS];
    int clock_count, alarm_count;
    double period, until, every, patience, rate, most;
    double last, before, asked_at, put_at, alive_at, ran;
    long times, switches;
    int idle, lag_count;
    double lags[MOST_LAGS], spent[MOST_CLOCKS];
    char numbers[FILE_SIZE], quota[FILE_SIZE];
} Sleep;

static double
seconds_of(clockid_t clock)
{
    struct timespec at;
    return clock_gettime(clock, &at) ? -1.0 : (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

/* The first bytes of a file, ended by a zero; how many, -1 where it cannot be read. */
static ssize_t
read_file(const char *path, char *buffer)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    ssize_t count = read(fd, buffer, FILE_SIZE - 1);
    close(fd);
    buffer[count < 0 ? 0 : count] = 0;
    return count;
}

/* Whether the thread waits in the kernel for what its loop is to do next; -1 where nobody says. */
static int
waits_for_work(const Sleep *self)
{
    char text[FILE_SIZE], *rest = text;
    if (read_file(self->standing, text) <= 0) {
        return -1;
    }
    long number = strtol(text, &rest, 10);
    if (rest == text) {
        return 0;  /* "running" */
    }
    int waits = 0;
#ifdef SYS_epoll_wait
    waits |= number == SYS_epoll_wait;
#endif
#ifdef SYS_epoll_pwait
    waits |= number == SYS_epoll_pwait;
#endif
#ifdef SYS_epoll_pwait2
    waits |= number == SYS_epoll_pwait2;
#endif
    return waits && strtol(rest, NULL, 16) == self->poll;
}

/* Dumps and the question before them are put off, see timers.py: none of the first is armed later than the last. */
static void
put_off(Sleep *self)
{
    for (int i = 1; i < self->alarm_count; i++) {
        timer_settime(self->alarms[i].id, 0, &self->alarms[i].spec, NULL);
    }
    for (int i = 0; i < self->alarm_count; i++) {
        timer_settime(self->alarms[i].id, 0, &self->alarms[i].spec, NULL);
    }
}

/* All was well at this look: what is to be known of it later. 0 where it took too long for that. */
static int
note_look(Sleep *self, double now)
{
    struct rusage usage;
    if (*self->scheduled && read_file(self->scheduled, self->numbers) < 0) {
        self->numbers[0] = 0;
    }
    if (*self->throttled && read_file(self->throttled, self->quota) < 0) {
        self->quota[0] = 0;
    }
    for (int i = 0; i < self->clock_count; i++) {
        self->spent[i] = seconds_of(self->clocks[i]);
    }
    if (getrusage(RUSAGE_THREAD, &usage) == 0) {
        self->switches = usage.ru_nvcsw;
    }
    self->before = self->last;
    self->last = now;
    self->times++;
    Room *room = self->room;
    double left = room->room + room->extra, given = self->rate * self->period;
    if (left < self->most) {
        room->extra += left + given < self->most ? given : self->most - left;
    }
    room->clock = now;
    put_off(self);
    return seconds_of(CLOCK_MONOTONIC) - now < PUNCTUAL;
}

/* The same as a question looks after, of a program that waits: then the GIL is to be had for nothing. */
static int
still_ours(Sleep *self)
{
    PyEval_RestoreThread(self->thread);
    PyObject *done = PyObject_CallOneArg(question.put, Py_False);
    if (done == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(done);
    self->thread = PyEval_SaveThread();
    return done == Py_True;
}

/* Have the main thread look after signals, and the loop answer; 0 where that cannot be. */
static int
ask(Sleep *self, double now)
{
    self->put_at = now;
    if (!question.queued) {
        question.queued = 1;
        if (Py_AddPendingCall(put_question, NULL) < 0) {
            question.queued = 0;
            return 0;
        }
    }
    return 1;
}

/* One look; -1 when all is well, else why it is not. */
static int
look_once(Sleep *self, double now)
{
    double ran = seconds_of(self->clock);
    Room *room = self->room;
    if (ran < 0) {
        return FAILED;
    }
    int stirred = ran != self->ran, idle = stirred || !self->idle ? waits_for_work(self) : 1;
    if (idle < 0) {
        return FAILED;
    }
    if (self->asked_at > 0 && room->answered_at >= self->asked_at) {
        if (self->lag_count < MOST_LAGS) {
            self->lags[self->lag_count++] = room->answered_at - self->asked_at;
        }
        self->alive_at = room->answered_at;
        self->asked_at = 0;
    }
    if (question.refused) {
        return WANTED;
    }
    if (!idle && self->asked_at > 0) {
        return SILENT;
    }
    if (room->wants || (idle && room->busy && !stirred)) {
        return WANTED;
    }
    if (stirred) {
        self->patience = self->every;
    }
    if (now >= self->until || (!stirred && now - self->put_at >= self->patience)) {
        return DUE;
    }
    self->ran = ran;
    self->idle = idle;
    if (idle) {
        self->alive_at = now;
        self->asked_at = 0;
        /* One that works now and then answers when it next does, without being woken for that. */
        int asks = stirred && (room->busy || now - self->put_at >= self->every);
        if ((asks && !ask(self, now)) || (stirred && !still_ours(self))) {
            return WANTED;
        }
    }
    else if (!ask(self, now)) {
        return WANTED;
    }
    else {
        self->asked_at = now;
    }
    return note_look(self, now) ? -1 : LATE;
}

static int
sleep_on(Sleep *self)
{
    for (;;) {
        double left = self->last + self->period - seconds_of(CLOCK_MONOTONIC);
        if (wake_waits(self->wake, left > 0 ? (long long)(left * 1e6) + 1 : 0)) {
            return POKED;
        }
        double now = seconds_of(CLOCK_MONOTONIC);
        if (now - self->last - self->period >= PUNCTUAL) {
            return LATE;
        }
        int why = look_once(self, now);
        if (why >= 0) {
            return why;
        }
    }
}

/* Fills in what comes as sequences; -1 with an exception. */
static int
take_lists(Sleep *self, PyObject *clocks, PyObject *alarms)
{
    self->clock_count = (int)PyTuple_GET_SIZE(clocks);
    self->alarm_count = (int)PyTuple_GET_SIZE(alarms);
    if (self->clock_count > MOST_CLOCKS || self->alarm_count > MOST_TIMERS) {
        PyErr_SetString(PyExc_ValueError, "too many clocks or timers");
        return -1;
    }
    for (int i = 0; i < self->clock_count; i++) {
        self->clocks[i] = (clockid_t)PyLong_AsLong(PyTuple_GET_ITEM(clocks, i));
    }
    for (int i = 0; i < self->alarm_count; i++) {
        PyObject *id;
        double seconds;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(alarms, i), "Od", &id, &seconds)) {
            return -1;
        }
        Alarm *alarm = &self->alarms[i];
        alarm->id = (timer_t)PyLong_AsVoidPtr(id);
        alarm->spec.it_value.tv_sec = (time_t)seconds;
        alarm->spec.it_value.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9);
    }
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *
floats(const double *numbers, int count)
{
    PyObject *found = PyTuple_New(count);
    for (int i = 0; found != NULL && i < count; i++) {
        PyObject *number = PyFloat_FromDouble(numbers[i]);
        if (number == NULL) {
            Py_CLEAR(found);
        }
        else {
            PyTuple_SET_ITEM(found, i, number);
        }
    }
    return found;
}

PyDoc_STRVAR(doze_doc,
"doze(wake, room, put, thread, files, clocks, timers, times) -> tuple | None\n\n"
"Sleep and look without the GIL, until something is to be looked at closer; see dozing.py. None where another does.");

static PyObject *
doze(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *wake, *room, *put, *clocks, *alarms;
    Sleep self = {.poll = -1};
    int clock;
    if (!PyArg_ParseTuple(args, "O!O!O(il)(yyy)O!O!(dddddddddd):doze", &WakeType, &wake, &RoomType, &room, &put, &clock,
                          &self.poll, &self.standing, &self.scheduled, &self.throttled, &PyTuple_Type, &clocks,
                          &PyTuple_Type, &alarms, &self.last, &self.period, &self.until, &self.every, &self.patience,
                          &self.asked_at, &self.put_at, &self.ran, &self.rate, &self.most) ||
        take_lists(&self, clocks, alarms) < 0) {
        return NULL;
    }
    if (question.put != NULL) {
        Py_RETURN_NONE;  /* another watcher sleeps so */
    }
    self.wake = (Wake *)wake;
    self.room = (Room *)room;
    self.clock = (clockid_t)clock;
    question.put = Py_NewRef(put);
    question.refused = 0;
    question.asker = getpid();
    int why;
    self.thread = PyEval_SaveThread();
    why = sleep_on(&self);
    PyEval_RestoreThread(self.thread);
    Py_CLEAR(question.put);
    return Py_BuildValue("(ilddlddddNNyy)", why, self.times, self.last, self.before, self.switches, self.asked_at,
                         self.put_at, self.alive_at, self.ran, floats(self.lags, self.lag_count),
                         floats(self.spent, self.times ? self.clock_count : 0), self.numbers, self.quota);
}

/* In a forked child, where nobody sleeps: what the parent's watcher held is let go. */
static PyObject *
doze_anew(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    Py_CLEAR(question.put);
    Py_RETURN_NONE;
}

#endif
