/* The twin in C of `wrap_create_task` in creation.py, of what sweep.py does about tasks that are gone, of
   `AsyncgenTap.wrap_first` in asyncgens.py, of `_writer` in source_tracebacks.py and of `Room` in twins.py: what every
   task, generator and, in profile debug, future and handle pays for.

   The first does what that function does, in its order, for a task that is created where one was before, and calls
   Python for all else. No frame of ours stands between the program and asyncio, so there is none to hide. A record is no part of any
   cycle (it refers to its task weakly, to a site and to another weak reference), hence the collector does not look at it.

   Main interpreter only, and never where there is no GIL: twins.py uses the Python twin there.
   https://docs.python.org/3/c-api/call.html#the-vectorcall-protocol
   https://docs.python.org/3/c-api/frame.html
   https://github.com/python/cpython/blob/3.13/Objects/weakrefobject.c (weakref___new__) */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <structmember.h>

#ifdef Py_GIL_DISABLED
#error "not for a Python without a GIL"
#endif

/* twins.py wants this number: a file compiled from another source than its own is not used. */
#define INTERFACE 7

/* A name that is longer is cut, in Python. */
#define LONGEST_NAME 200

/* -- how much may be recorded -- */

/* `extra` and `clock` are written without the GIL while the watcher dozes, and only there and then; `answered_at`,
   `wants` and `busy` are read so. */
typedef struct {
    PyObject_HEAD
    double room;
    double extra;
    double clock;
    double answered_at;
    Py_ssize_t skipped;
    double skipped_at;
    int wants;
    int busy;
} Room;

static PyMemberDef room_members[] = {
    {"room", T_DOUBLE, offsetof(Room, room), 0, NULL},
    {"extra", T_DOUBLE, offsetof(Room, extra), 0, NULL},
    {"clock", T_DOUBLE, offsetof(Room, clock), 0, NULL},
    {"answered_at", T_DOUBLE, offsetof(Room, answered_at), 0, NULL},
    {"wants", T_INT, offsetof(Room, wants), 0, NULL},
    {"busy", T_INT, offsetof(Room, busy), 0, NULL},
    {"skipped", T_PYSSIZET, offsetof(Room, skipped), 0, NULL},
    {"skipped_at", T_DOUBLE, offsetof(Room, skipped_at), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyTypeObject RoomType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "asyncwatch.hooks._record.Room",
    .tp_basicsize = sizeof(Room),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_members = room_members,
    .tp_new = PyType_GenericNew,
};

#include "_doze.c"

/* -- the replacement -- */

/* One letter for each thing it is given; all are there for as long as it is. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *dict;
    PyObject *weakrefs;
    PyObject *original;      /* what makes the task */
    Room *room;
    PyTypeObject *record;    /* the type of a record, and where its slots are */
    PyTypeObject *site;
    PyObject *records;       /* dictionaries of the ledger */
    PyObject *known;
    PyObject *parents;
    PyObject *forwarders;    /* names of modules */
    PyObject *ways;          /* dictionary: the steps that lead to a site */
    PyTypeObject *family;    /* the type of a parent, and where its slots are */
    PyObject *current;       /* functions: the task that runs */
    PyObject *running;       /* the loop that runs in this thread */
    PyObject *meet;          /* the site that is not known */
    PyObject *parent;        /* the parent that is not known */
    PyObject *hide;          /* frames of ours in a source traceback */
    PyObject *failed;        /* told of an exception */
    PyObject *clock;         /* the time as it was last read, an object that records share */
    Py_ssize_t born_at, site_at, parent_at, plain_at, root_at, name_at, coro_at, module_at;
    int fills_in;            /* whether the original takes a name of None for none */
} Wrapper;

static PyObject *str_name, *str_module, *str_source_traceback, *str_site, *str_discards;
static PyObject *str_get_coro, *str_get_name, *str_qualname, *str_frame, *str_globals;
static PyObject *str_born, *str_done, *str_cancelling, *str_get_loop, *zero;

static inline PyObject **
slot(PyObject *object, Py_ssize_t offset)
{
    return (PyObject **)((char *)object + offset);
}

static inline void
fill(PyObject *object, Py_ssize_t offset, PyObject *value)
{
    PyObject **place = slot(object, offset), *before = *place;
    *place = value;
    Py_XDECREF(before);
}

/* The coroutine of a task; a new reference, NULL without an exception where it is none of Python code. */
static PyObject *
coroutine_of(PyObject *task)
{
    PyObject *coro = PyObject_CallMethodNoArgs(task, str_get_coro);
    if (coro == NULL) {
        PyErr_Clear();
    }
    else if (!PyCoro_CheckExact(coro)) {
        Py_CLEAR(coro);
    }
    return coro;
}

/* What these frames lead to, see `Ways.find`; a new reference, NULL where that is nothing, or with an exception. */
static PyObject *
follow(PyObject *steps, PyTypeObject *kind, PyFrameObject *start, PyObject *current)
{
    PyObject *coro = NULL, *way = Py_NewRef(steps), *found = NULL;
    if (current != Py_None && (coro = coroutine_of(current)) == NULL) {
        Py_DECREF(way);
        return NULL;
    }
    PyFrameObject *frame = (PyFrameObject *)Py_NewRef(start);
    while (frame != NULL && found == NULL) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        PyObject *owner = coro != NULL && (code->co_flags & CO_COROUTINE) ? PyFrame_GetGenerator(frame) : NULL;
        Py_ssize_t number = (Py_ssize_t)((char *)code + PyFrame_GetLasti(frame));
        PyObject *key = PyLong_FromSsize_t(owner != NULL && owner == coro ? -number : number);
        Py_XDECREF(owner);
        Py_DECREF(code);
        PyObject *step = key != NULL ? Py_XNewRef(PyDict_GetItemWithError(way, key)) : NULL;
        Py_XDECREF(key);
        if (step != NULL && Py_TYPE(step) == kind) {
            found = Py_NewRef(step);
        }
        else if (step != NULL && PyDict_CheckExact(step)) {
            Py_SETREF(way, Py_NewRef(step));
            Py_SETREF(frame, PyFrame_GetBack(frame));
        }
        else {
            Py_CLEAR(frame);
        }
        Py_XDECREF(step);
    }
    Py_XDECREF(frame);
    Py_DECREF(way);
    Py_XDECREF(coro);
    return found;
}

/* The site of the line that creates the task; a new reference, NULL with an exception. */
static PyObject *
find_site(Wrapper *self, PyObject *loop, PyObject *current)
{
    PyFrameObject *frame = PyEval_GetFrame(), *maker = frame;
    if (frame == NULL) {
        return PyObject_CallFunctionObjArgs(self->meet, loop, Py_None, current, NULL);
    }
    Py_INCREF(maker);
    PyObject *globals = PyFrame_GetGlobals(frame);
    PyObject *module = PyDict_GetItemWithError(globals, str_module);
    int forwards = 0;
    if (module != NULL && PyUnicode_CheckExact(module)) {
        forwards = PySet_Contains(self->forwarders, module);
    }
    Py_DECREF(globals);
    if (forwards < 0 || PyErr_Occurred()) {
        Py_DECREF(maker);
        return NULL;
    }
    if (forwards) {
        PyFrameObject *back = PyFrame_GetBack(frame);
        if (back != NULL) {
            Py_SETREF(maker, back);
        }
    }
    PyCodeObject *code = PyFrame_GetCode(maker);
    PyObject *key = PyLong_FromVoidPtr((char *)code + PyFrame_GetLasti(maker));
    Py_DECREF(code);
    Py_DECREF(maker);
    if (key == NULL) {
        return NULL;
    }
    PyObject *site = PyDict_GetItemWithError(self->known, key);
    Py_DECREF(key);
    if (site != NULL && Py_TYPE(site) == self->site && *slot(site, self->plain_at) == Py_True) {
        return Py_NewRef(site);
    }
    if (!PyErr_Occurred()) {
        site = follow(self->ways, self->site, frame, current);
        if (site != NULL) {
            return site;
        }
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    return PyObject_CallFunctionObjArgs(self->meet, loop, (PyObject *)frame, current, NULL);
}

/* An attribute that is a text; a new reference, NULL without an exception where it is none or too long to be said. */
static PyObject *
text_of(PyObject *object, PyObject *name, int call)
{
    PyObject *text = call ? PyObject_CallMethodNoArgs(object, name) : PyObject_GetAttr(object, name);
    if (text == NULL) {
        PyErr_Clear();
    }
    else if (!PyUnicode_CheckExact(text) || PyUnicode_GET_LENGTH(text) > LONGEST_NAME) {
        Py_CLEAR(text);
    }
    return text;
}

/* The module of the function that a coroutine runs; a new reference, NULL without an exception where it has no name. */
static PyObject *
module_of(PyObject *coro)
{
    PyObject *module = NULL, *globals = NULL, *frame = PyObject_GetAttr(coro, str_frame);
    if (frame != NULL && frame != Py_None && (globals = PyObject_GetAttr(frame, str_globals)) != NULL &&
        PyDict_CheckExact(globals)) {
        module = Py_XNewRef(PyDict_GetItemWithError(globals, str_module));
    }
    if (module != NULL && !PyUnicode_CheckExact(module)) {
        Py_CLEAR(module);
    }
    PyErr_Clear();
    Py_XDECREF(globals);
    Py_XDECREF(frame);
    return module;
}

/* What `Ledger.parent` makes for a usual task; a new reference, NULL without an exception where it is left to that. */
static PyObject *
new_parent(Wrapper *self, PyObject *current, PyObject *key)
{
    PyObject *root = Py_True, *record = PyDict_GetItemWithError(self->records, key);
    if (record != NULL) {
        if (Py_TYPE(record) != self->record || ((PyWeakReference *)record)->wr_object != current) {
            return NULL;
        }
        PyObject *above = *slot(record, self->parent_at);
        root = above == NULL || above == Py_None ? Py_True : Py_False;
    }
    PyObject *coro = coroutine_of(current), *name = NULL, *qualname = NULL, *module = NULL, *parent = NULL;
    PyObject *arguments = PyTuple_Pack(1, current);
    if (arguments != NULL && coro != NULL && (name = text_of(current, str_get_name, 1)) != NULL &&
        (qualname = text_of(coro, str_qualname, 0)) != NULL && (module = module_of(coro)) != NULL &&
        (parent = self->family->tp_new(self->family, arguments, NULL)) != NULL) {
        if (Py_TYPE(parent) == self->family) {
            PyObject_GC_UnTrack(parent);
            fill(parent, self->root_at, Py_NewRef(root));
            fill(parent, self->name_at, Py_NewRef(name));
            fill(parent, self->coro_at, Py_NewRef(qualname));
            fill(parent, self->module_at, Py_NewRef(module));
        }
        else {
            Py_CLEAR(parent);
        }
    }
    PyErr_Clear();
    Py_XDECREF(arguments);
    Py_XDECREF(coro);
    Py_XDECREF(name);
    Py_XDECREF(qualname);
    Py_XDECREF(module);
    return parent;
}

/* The parent of a task that is created in this task's step; a new reference, NULL with an exception. */
static PyObject *
find_parent(Wrapper *self, PyObject *loop, PyObject *current)
{
    if (current == Py_None) {
        /* Of a loop's own callback there is nothing to be told. */
        PyObject *running = PyObject_CallNoArgs(self->running);
        if (running == NULL) {
            return NULL;
        }
        Py_DECREF(running);
        if (running == loop) {
            return Py_NewRef(Py_None);
        }
    }
    else {
        PyObject *key = PyLong_FromVoidPtr(current);
        if (key == NULL) {
            return NULL;
        }
        PyObject *parent = PyDict_GetItemWithError(self->parents, key);
        if (parent != NULL && PyWeakref_Check(parent) && ((PyWeakReference *)parent)->wr_object == current) {
            Py_DECREF(key);
            return Py_NewRef(parent);
        }
        int failed = parent == NULL && PyErr_Occurred();
        parent = failed ? NULL : new_parent(self, current, key);
        if (parent != NULL && PyDict_SetItem(self->parents, key, parent) < 0) {
            Py_CLEAR(parent);
            failed = 1;
        }
        Py_DECREF(key);
        if (parent != NULL || failed) {
            return parent;
        }
    }
    return PyObject_CallFunctionObjArgs(self->parent, current, loop, NULL);
}

/* A record of this task with the time; a new reference, NULL with an exception. */
static PyObject *
new_record(Wrapper *self, PyObject *task)
{
    PyObject *arguments = PyTuple_Pack(1, task);
    if (arguments == NULL) {
        return NULL;
    }
    PyObject *record = self->record->tp_new(self->record, arguments, NULL);
    Py_DECREF(arguments);
    if (record == NULL) {
        return NULL;
    }
    if (Py_TYPE(record) != self->record) {
        Py_DECREF(record);
        PyErr_SetString(PyExc_TypeError, "a record of another type");
        return NULL;
    }
    PyObject_GC_UnTrack(record);
    if (self->clock == NULL || PyFloat_AS_DOUBLE(self->clock) != self->room->clock) {
        PyObject *clock = PyFloat_FromDouble(self->room->clock);
        if (clock == NULL) {
            Py_DECREF(record);
            return NULL;
        }
        Py_XSETREF(self->clock, clock);
    }
    fill(record, self->born_at, Py_NewRef(self->clock));
    return record;
}

/* Where and by whom it was made is remembered; -1 with an exception. */
static int
remember(Wrapper *self, PyObject *loop, PyObject *task)
{
    int done = -1;
    PyObject *record = NULL, *current = NULL, *found = NULL, *key = NULL;

    PyObject *trace = PyObject_GetAttr(task, str_source_traceback);
    if (trace == NULL) {
        return -1;
    }
    if (trace != Py_None) {
        int any = PyObject_IsTrue(trace);
        PyObject *hidden = any > 0 ? PyObject_CallOneArg(self->hide, trace) : NULL;
        if (any < 0 || (any > 0 && hidden == NULL)) {
            Py_DECREF(trace);
            return -1;
        }
        Py_XDECREF(hidden);
    }
    Py_DECREF(trace);

    Room *room = self->room;
    if (room->room + room->extra <= 0) {
        room->skipped++;
        room->skipped_at = room->clock;
        return 0;
    }
    room->room -= 1;
    if ((record = new_record(self, task)) == NULL || (current = PyObject_CallOneArg(self->current, loop)) == NULL) {
        goto end;
    }
    if ((found = find_site(self, loop, current)) == NULL) {
        goto end;
    }
    fill(record, self->site_at, found);
    if ((found = find_parent(self, loop, current)) == NULL) {
        goto end;
    }
    fill(record, self->parent_at, found);
    if ((key = PyLong_FromVoidPtr(task)) != NULL) {
        done = PyDict_SetItem(self->records, key, record);
    }
end:
    Py_XDECREF(key);
    Py_XDECREF(current);
    Py_XDECREF(record);
    return done;
}

/* An Exception of ours is told of, with the task if there is one, and gone; anything else goes on: then this is -1. */
static int
complain(PyObject *failed, PyObject *task)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return -1;
    }
#if PY_VERSION_HEX >= 0x030C0000
    PyObject *error = PyErr_GetRaisedException();
#else
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL && error != NULL) {
        PyException_SetTraceback(error, traceback);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
#endif
    PyObject *done = PyObject_CallFunctionObjArgs(failed, error, task, NULL);
    Py_XDECREF(error);
    if (done == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_Exception)) {
            return -1;
        }
        PyErr_Clear();
    }
    Py_XDECREF(done);
    return 0;
}

static PyObject *
create_task(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Wrapper *self = (Wrapper *)callable;
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    /* Where it fills in None itself that is cheaper. */
    if (kwnames != NULL && self->fills_in && count == 2 && PyTuple_GET_SIZE(kwnames) == 1 && args[2] == Py_None &&
        PyTuple_GET_ITEM(kwnames, 0) == str_name) {
        kwnames = NULL;
    }
    PyObject *task = PyObject_Vectorcall(self->original, args, nargsf, kwnames);
    if (task != NULL && count > 0 && remember(self, args[0], task) < 0 && complain(self->failed, task) < 0) {
        Py_CLEAR(task);
    }
    return task;
}

/* Where a slot of a class is in its instances; -1 with an exception. */
static Py_ssize_t
offset_of(PyTypeObject *type, const char *name)
{
    Py_ssize_t offset = -1;
    PyObject *found = PyObject_GetAttrString((PyObject *)type, name);
    if (found == NULL) {
        return -1;
    }
    if (Py_IS_TYPE(found, &PyMemberDescr_Type)) {
        PyMemberDef *member = ((PyMemberDescrObject *)found)->d_member;
        if (member->type == T_OBJECT_EX) {
            offset = member->offset;
        }
    }
    Py_DECREF(found);
    if (offset <= 0) {
        PyErr_Format(PyExc_TypeError, "%s is no slot", name);
        return -1;
    }
    return offset;
}

static int
wrapper_traverse(PyObject *object, visitproc visit, void *arg)
{
    Wrapper *self = (Wrapper *)object;
    Py_VISIT(self->dict);
    Py_VISIT(self->original);
    Py_VISIT(self->room);
    Py_VISIT(self->record);
    Py_VISIT(self->site);
    Py_VISIT(self->records);
    Py_VISIT(self->known);
    Py_VISIT(self->parents);
    Py_VISIT(self->forwarders);
    Py_VISIT(self->ways);
    Py_VISIT(self->family);
    Py_VISIT(self->current);
    Py_VISIT(self->running);
    Py_VISIT(self->meet);
    Py_VISIT(self->parent);
    Py_VISIT(self->hide);
    Py_VISIT(self->failed);
    return 0;
}

/* Not what a call needs: one that goes on when the collector comes would find it gone. No cycle goes through the rest
   alone: whatever the program hangs on it hangs on the dictionary, and the ledger does not refer to it. */
static int
wrapper_clear(PyObject *object)
{
    Py_CLEAR(((Wrapper *)object)->dict);
    return 0;
}

static void
wrapper_dealloc(PyObject *object)
{
    Wrapper *self = (Wrapper *)object;
    PyObject_GC_UnTrack(object);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    Py_CLEAR(self->dict);
    Py_CLEAR(self->original);
    Py_CLEAR(self->room);
    Py_CLEAR(self->record);
    Py_CLEAR(self->site);
    Py_CLEAR(self->records);
    Py_CLEAR(self->known);
    Py_CLEAR(self->parents);
    Py_CLEAR(self->forwarders);
    Py_CLEAR(self->ways);
    Py_CLEAR(self->family);
    Py_CLEAR(self->current);
    Py_CLEAR(self->running);
    Py_CLEAR(self->meet);
    Py_CLEAR(self->parent);
    Py_CLEAR(self->hide);
    Py_CLEAR(self->failed);
    Py_CLEAR(self->clock);
    Py_TYPE(object)->tp_free(object);
}

static PyObject *
wrapper_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"original", "room", "record", "site", "records", "known", "parents", "forwarders",
                            "ways", "family", "current", "running", "meet", "parent", "hide", "failed", "fills_in",
                            NULL};
    PyObject *original, *room, *record, *site, *records, *known, *parents, *forwarders, *ways, *family;
    PyObject *current, *running, *meet, *parent, *hide, *failed;
    int fills_in;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!O!O!O!O!O!O!O!O!OOOOOOp:create_task", names, &original,
                                     &RoomType, &room, &PyType_Type, &record, &PyType_Type, &site, &PyDict_Type,
                                     &records, &PyDict_Type, &known, &PyDict_Type, &parents, &PyFrozenSet_Type,
                                     &forwarders, &PyDict_Type, &ways, &PyType_Type, &family, &current, &running,
                                     &meet, &parent, &hide, &failed, &fills_in)) {
        return NULL;
    }
    if (!PyType_IsSubtype((PyTypeObject *)record, &_PyWeakref_RefType) ||
        !PyType_IsSubtype((PyTypeObject *)family, &_PyWeakref_RefType)) {
        PyErr_SetString(PyExc_TypeError, "a record and a parent are weak references");
        return NULL;
    }
    Py_ssize_t born_at = offset_of((PyTypeObject *)record, "born"), site_at, parent_at, plain_at;
    Py_ssize_t root_at, name_at, coro_at, module_at;
    if (born_at < 0 || (site_at = offset_of((PyTypeObject *)record, "site")) < 0 ||
        (parent_at = offset_of((PyTypeObject *)record, "parent")) < 0 ||
        (plain_at = offset_of((PyTypeObject *)site, "plain")) < 0 ||
        (root_at = offset_of((PyTypeObject *)family, "root")) < 0 ||
        (name_at = offset_of((PyTypeObject *)family, "name")) < 0 ||
        (coro_at = offset_of((PyTypeObject *)family, "coro")) < 0 ||
        (module_at = offset_of((PyTypeObject *)family, "module")) < 0) {
        return NULL;
    }
    Wrapper *self = (Wrapper *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = create_task;
    self->original = Py_NewRef(original);
    self->room = (Room *)Py_NewRef(room);
    self->record = (PyTypeObject *)Py_NewRef(record);
    self->site = (PyTypeObject *)Py_NewRef(site);
    self->records = Py_NewRef(records);
    self->known = Py_NewRef(known);
    self->parents = Py_NewRef(parents);
    self->forwarders = Py_NewRef(forwarders);
    self->ways = Py_NewRef(ways);
    self->family = (PyTypeObject *)Py_NewRef(family);
    self->current = Py_NewRef(current);
    self->running = Py_NewRef(running);
    self->meet = Py_NewRef(meet);
    self->parent = Py_NewRef(parent);
    self->hide = Py_NewRef(hide);
    self->failed = Py_NewRef(failed);
    self->fills_in = fills_in;
    self->born_at = born_at;
    self->site_at = site_at;
    self->parent_at = parent_at;
    self->plain_at = plain_at;
    self->root_at = root_at;
    self->name_at = name_at;
    self->coro_at = coro_at;
    self->module_at = module_at;
    return (PyObject *)self;
}

/* As a function does: a method of whatever has it. */
static PyObject *
wrapper_get(PyObject *self, PyObject *object, PyObject *Py_UNUSED(type))
{
    if (object == NULL || object == Py_None) {
        return Py_NewRef(self);
    }
    return PyMethod_New(self, object);
}

static PyObject *
wrapper_repr(PyObject *self)
{
    PyObject *name = PyObject_GetAttrString(self, "__qualname__");
    if (name == NULL) {
        PyErr_Clear();
    }
    PyObject *text = PyUnicode_FromFormat("<function %V at %p>", name, "of asyncwatch", self);
    Py_XDECREF(name);
    return text;
}

/* Copied and pickled as a function is: by its name. */
static PyObject *
wrapper_reduce(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyObject_GetAttrString(self, "__qualname__");
}

static PyMethodDef wrapper_methods[] = {
    {"__reduce__", wrapper_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef wrapper_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyTypeObject WrapperType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "asyncwatch.hooks._record.create_task",
    .tp_basicsize = sizeof(Wrapper),
    .tp_dealloc = wrapper_dealloc,
    .tp_vectorcall_offset = offsetof(Wrapper, vectorcall),
    .tp_repr = wrapper_repr,
    .tp_call = PyVectorcall_Call,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_traverse = wrapper_traverse,
    .tp_clear = wrapper_clear,
    .tp_weaklistoffset = offsetof(Wrapper, weakrefs),
    .tp_methods = wrapper_methods,
    .tp_getset = wrapper_getset,
    .tp_descr_get = wrapper_get,
    .tp_dictoffset = offsetof(Wrapper, dict),
    .tp_new = wrapper_new,
};

/* -- where async generators are first iterated -- */

/* What it is given: see `AsyncgenTap.wrap_first`, whose twin it is. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *dict;
    PyObject *weakrefs;
    PyObject *original;
    PyObject *records;       /* dictionaries: where each was first iterated */
    PyObject *over;          /* the loops that have closed their generators */
    PyObject *apps;          /* whether a file is the program's */
    PyObject *ways;          /* the steps that lead to the frames around a library's */
    PyObject *current;       /* functions: the task that runs */
    PyObject *late;          /* of a loop that has closed them */
    PyObject *outer;         /* the frames around a library's */
    PyObject *failed;
} First;

/* -1 with an exception. */
static int
remember_first(First *self, PyObject *loop, PyObject *agen)
{
    PyFrameObject *frame = PyEval_GetFrame();
    if (frame == NULL) {
        return 0;
    }
    int done = -1;
    PyObject *outer = NULL, *ref = NULL, *record = NULL, *key = NULL;
    PyCodeObject *code = PyFrame_GetCode(frame);
    PyObject *app = PyDict_GetItemWithError(self->apps, code->co_filename);
    if (app == NULL && PyErr_Occurred()) {
        goto end;
    }
    if (app == Py_True) {
        outer = PyTuple_New(0);
    }
    else {
        PyObject *current = PyObject_CallOneArg(self->current, loop);
        outer = current != NULL ? follow(self->ways, &PyTuple_Type, frame, current) : NULL;
        Py_XDECREF(current);
        if (outer == NULL && !PyErr_Occurred()) {
            outer = PyObject_CallFunctionObjArgs(self->outer, (PyObject *)frame, loop, NULL);
        }
    }
    if (outer == NULL || (ref = PyWeakref_NewRef(agen, NULL)) == NULL) {
        goto end;
    }
    record = Py_BuildValue("(OiONO)", code, PyFrame_GetLasti(frame), ref, PyLong_FromVoidPtr(loop), outer);
    if (record != NULL && (key = PyLong_FromVoidPtr(agen)) != NULL) {
        PyObject_GC_UnTrack(record);
        done = PyDict_SetItem(self->records, key, record);
    }
end:
    Py_DECREF(code);
    Py_XDECREF(outer);
    Py_XDECREF(ref);
    Py_XDECREF(record);
    Py_XDECREF(key);
    return done;
}

static PyObject *
first_iterated(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    First *self = (First *)callable;
    int usual = PyVectorcall_NARGS(nargsf) == 2 && kwnames == NULL;
    if (usual && PyDict_GET_SIZE(self->over) > 0) {
        PyObject *late = PyObject_CallFunctionObjArgs(self->late, self->original, args[0], args[1], NULL);
        int was = late == NULL ? -1 : PyObject_IsTrue(late);
        Py_XDECREF(late);
        if (was) {
            return was < 0 ? NULL : Py_NewRef(Py_None);
        }
    }
    PyObject *done = PyObject_Vectorcall(self->original, args, nargsf, kwnames);
    if (done != NULL && usual && remember_first(self, args[0], args[1]) < 0 && complain(self->failed, NULL) < 0) {
        Py_CLEAR(done);
    }
    return done;
}

static int
first_traverse(PyObject *object, visitproc visit, void *arg)
{
    First *self = (First *)object;
    Py_VISIT(self->dict);
    Py_VISIT(self->original);
    Py_VISIT(self->records);
    Py_VISIT(self->over);
    Py_VISIT(self->apps);
    Py_VISIT(self->ways);
    Py_VISIT(self->current);
    Py_VISIT(self->late);
    Py_VISIT(self->outer);
    Py_VISIT(self->failed);
    return 0;
}

static int
first_clear(PyObject *object)
{
    Py_CLEAR(((First *)object)->dict);
    return 0;
}

static void
first_dealloc(PyObject *object)
{
    First *self = (First *)object;
    PyObject_GC_UnTrack(object);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    Py_CLEAR(self->dict);
    Py_CLEAR(self->original);
    Py_CLEAR(self->records);
    Py_CLEAR(self->over);
    Py_CLEAR(self->apps);
    Py_CLEAR(self->ways);
    Py_CLEAR(self->current);
    Py_CLEAR(self->late);
    Py_CLEAR(self->outer);
    Py_CLEAR(self->failed);
    Py_TYPE(object)->tp_free(object);
}

static PyObject *
first_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *original, *records, *over, *apps, *ways, *current, *late, *outer, *failed;
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "no keywords");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "OO!O!O!O!OOOO:first_iterated", &original, &PyDict_Type, &records, &PyDict_Type,
                          &over, &PyDict_Type, &apps, &PyDict_Type, &ways, &current, &late, &outer, &failed)) {
        return NULL;
    }
    First *self = (First *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = first_iterated;
    self->original = Py_NewRef(original);
    self->records = Py_NewRef(records);
    self->over = Py_NewRef(over);
    self->apps = Py_NewRef(apps);
    self->ways = Py_NewRef(ways);
    self->current = Py_NewRef(current);
    self->late = Py_NewRef(late);
    self->outer = Py_NewRef(outer);
    self->failed = Py_NewRef(failed);
    return (PyObject *)self;
}

static PyTypeObject FirstType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "asyncwatch.hooks._record.first_iterated",
    .tp_basicsize = sizeof(First),
    .tp_dealloc = first_dealloc,
    .tp_vectorcall_offset = offsetof(First, vectorcall),
    .tp_repr = wrapper_repr,
    .tp_call = PyVectorcall_Call,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_traverse = first_traverse,
    .tp_clear = first_clear,
    .tp_weaklistoffset = offsetof(First, weakrefs),
    .tp_methods = wrapper_methods,
    .tp_getset = wrapper_getset,
    .tp_descr_get = wrapper_get,
    .tp_dictoffset = offsetof(First, dict),
    .tp_new = first_new,
};

/* -- what is left of tasks that are gone -- */

/* So many at once, for another thread may wait. */
#define MOST_DROPPED 1000

/* Whether a task was thrown away where it was made. */
static int
was_discarded(PyObject *record)
{
    PyObject *site = PyObject_GetAttr(record, str_site);
    if (site == NULL || site == Py_None) {
        Py_XDECREF(site);
        return site == NULL ? -1 : 0;
    }
    PyObject *discards = PyObject_GetAttr(site, str_discards);
    Py_DECREF(site);
    int found = discards == NULL ? -1 : PyObject_IsTrue(discards);
    Py_XDECREF(discards);
    return found;
}

static int
is_in_any(PyObject *key, PyObject *tables)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tables); i++) {
        PyObject *table = PyTuple_GET_ITEM(tables, i);
        int found = PyDict_Check(table) && PyDict_GET_SIZE(table) == 0 ? 0 : PySequence_Contains(table, key);
        if (found) {
            return found;
        }
    }
    return 0;
}

PyDoc_STRVAR(drop_gone_doc,
"drop_gone(keys, table, others) -> int\n\n"
"Take keys off the end of the list, and with each its weak reference out of the table, while what that referred to is\n"
"gone and the key is in none of the others. Returns how many had a site that discards; without others, which is for\n"
"references that have none, it passes over what is still there.");

static PyObject *
drop_gone(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 3 || !PyList_CheckExact(args[0]) || !PyDict_CheckExact(args[1]) || !PyTuple_CheckExact(args[2])) {
        PyErr_SetString(PyExc_TypeError, "a list, a dictionary and a tuple of dictionaries are wanted");
        return NULL;
    }
    PyObject *keys = args[0], *table = args[1], *others = args[2];
    int records = PyTuple_GET_SIZE(others) > 0;
    Py_ssize_t discarded = 0, size;
    for (int i = 0; i < MOST_DROPPED && (size = PyList_GET_SIZE(keys)) > 0; i++) {
        PyObject *key = Py_NewRef(PyList_GET_ITEM(keys, size - 1));
        PyObject *found = Py_XNewRef(PyDict_GetItemWithError(table, key));
        int failed = found == NULL && PyErr_Occurred(), stays = 0;
        if (found != NULL) {
            stays = !PyWeakref_Check(found) || ((PyWeakReference *)found)->wr_object != Py_None;
            if (!stays && records) {
                int known = is_in_any(key, others), given = known ? 0 : was_discarded(found);
                failed = known < 0 || given < 0;
                stays = known > 0;
                discarded += given > 0;
            }
            if (!stays && !failed) {
                failed = PyDict_DelItem(table, key) < 0;
            }
        }
        if (!failed && !(stays && records)) {
            failed = PyList_SetSlice(keys, size - 1, size, NULL) < 0;
        }
        Py_XDECREF(found);
        Py_DECREF(key);
        if (failed) {
            return NULL;
        }
        if (stays && records) {
            break;
        }
    }
    return PyLong_FromSsize_t(discarded);
}

/* Whether a task of this age is to be asked, see `_is_due` in sweep.py. */
static int
is_due(double age, double step, double grace, double rarely)
{
    double before = age - step;
    for (double mark = grace; mark < rarely; mark *= 2) {
        if (before < mark && mark <= age) {
            return 1;
        }
    }
    return (long long)(before / rarely) != (long long)(age / rarely);
}

/* What a method of a task returns is this; anything else, an exception too, is Python's to look at. */
static int
answers(PyObject *task, PyObject *method, PyObject *wanted)
{
    PyObject *answer = PyObject_CallMethodNoArgs(task, method);
    int same = answer == wanted;
    if (answer == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(answer);
    return same;
}

PyDoc_STRVAR(pass_over_doc,
"pass_over(keys, table, others, loop, started, step, settled, grace, rarely) -> tuple\n\n"
"Take keys off the end of the list while nothing is to be done about their tasks: as `drop_gone` does of those that are\n"
"gone, and others that are young, pending, asked by nobody to end and not due. Returns how many of the first had a site\n"
"that discards, and how many of the others are this loop's.");

static PyObject *
pass_over(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count != 9) {
        PyErr_SetString(PyExc_TypeError, "nine arguments are wanted");
        return NULL;
    }
    double numbers[5];
    for (int i = 0; i < 5; i++) {
        numbers[i] = PyFloat_AsDouble(args[4 + i]);
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    double started = numbers[0], step = numbers[1], settled = numbers[2];
    Py_ssize_t discarded = 0, met = 0;
    for (int i = 0; i < MOST_DROPPED; i++) {
        PyObject *dropped = drop_gone(module, args, 3);
        if (dropped == NULL) {
            return NULL;
        }
        discarded += PyLong_AsSsize_t(dropped);
        Py_DECREF(dropped);
        Py_ssize_t size = PyList_GET_SIZE(args[0]);
        if (size == 0) {
            break;
        }
        PyObject *key = Py_NewRef(PyList_GET_ITEM(args[0], size - 1));
        PyObject *record = Py_XNewRef(PyDict_GetItemWithError(args[1], key));
        PyObject *task = NULL, *born = NULL;
        int known = record != NULL && PyWeakref_Check(record) ? is_in_any(key, args[2]) : 1, passes = 0;
        if (known == 0 && (task = ((PyWeakReference *)record)->wr_object) != Py_None) {
            Py_INCREF(task);
            if ((born = PyObject_GetAttr(record, str_born)) != NULL && PyFloat_CheckExact(born)) {
                double age = started - PyFloat_AS_DOUBLE(born);
                passes = age < settled && !is_due(age, step, numbers[3], numbers[4]) &&
                         answers(task, str_done, Py_False) && answers(task, str_cancelling, zero);
                met += passes && answers(task, str_get_loop, args[3]);
            }
            Py_DECREF(task);
            Py_XDECREF(born);
        }
        Py_XDECREF(record);
        Py_DECREF(key);
        if (known < 0 || PyErr_Occurred()) {
            return NULL;
        }
        /* A method of a task of the program's own making may have done anything. */
        if (!passes || PyList_GET_SIZE(args[0]) != size) {
            break;
        }
        if (PyList_SetSlice(args[0], size - 1, size, NULL) < 0) {
            return NULL;
        }
    }
    return Py_BuildValue("(nn)", discarded, met);
}

/* -- source tracebacks in profile debug -- */

PyDoc_STRVAR(write_stack_doc,
"write_stack(kind, own, other, outside, frame, limit) -> kind\n\n"
"See `_writer` in source_tracebacks.py. The raw frames from a frame outwards, outermost first, up to so many or to code\n"
"that is outside; of frames with the code `own` or `other` what called them.");

static PyObject *
write_stack(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 6 || !PyType_Check(args[0]) || !(args[4] == Py_None || PyFrame_Check(args[4]))) {
        PyErr_SetString(PyExc_TypeError, "a type, three codes, a frame and a limit are wanted");
        return NULL;
    }
    Py_ssize_t left = args[5] == Py_None ? PY_SSIZE_T_MAX : PyLong_AsSsize_t(args[5]);
    if (left == -1 && PyErr_Occurred()) {
        return NULL;
    }
    PyObject *found = PyObject_CallNoArgs(args[0]);
    if (found != NULL && !PyList_Check(found)) {
        PyErr_SetString(PyExc_TypeError, "a kind of list is wanted");
        Py_CLEAR(found);
    }
    PyFrameObject *frame = args[4] == Py_None ? NULL : (PyFrameObject *)Py_NewRef(args[4]);
    for (; found != NULL && frame != NULL && left > 0; left--) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        if ((PyObject *)code == args[1] || (PyObject *)code == args[2]) {
            Py_SETREF(frame, PyFrame_GetBack(frame));
            if (frame == NULL) {
                Py_DECREF(code);
                break;
            }
            Py_SETREF(code, PyFrame_GetCode(frame));
        }
        if ((PyObject *)code == args[3]) {
            Py_DECREF(code);
            break;
        }
        PyObject *lasti = PyLong_FromLong(PyFrame_GetLasti(frame));
        PyObject *raw = lasti != NULL ? PyTuple_Pack(2, (PyObject *)code, lasti) : NULL;
        if (raw == NULL || PyList_Append(found, raw) < 0) {
            Py_CLEAR(found);
        }
        else {
            PyObject_GC_UnTrack(raw);
        }
        Py_XDECREF(raw);
        Py_XDECREF(lasti);
        Py_DECREF(code);
        Py_SETREF(frame, PyFrame_GetBack(frame));
    }
    Py_XDECREF(frame);
    if (found != NULL && PyList_Reverse(found) < 0) {
        Py_CLEAR(found);
    }
    return found;
}

static PyMethodDef functions[] = {
    {"pass_over", (PyCFunction)(void (*)(void))pass_over, METH_FASTCALL, pass_over_doc},
    {"write_stack", (PyCFunction)(void (*)(void))write_stack, METH_FASTCALL, write_stack_doc},
    {"drop_gone", (PyCFunction)(void (*)(void))drop_gone, METH_FASTCALL, drop_gone_doc},
#ifdef __linux__
    {"doze", doze, METH_VARARGS, doze_doc},
    {"doze_anew", doze_anew, METH_NOARGS, "After a fork, in the child."},
#endif
    {NULL, NULL, 0, NULL},
};

/* -- the module -- */

static int
execute(PyObject *module)
{
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "for the main interpreter only");
        return -1;
    }
    static const struct {
        PyObject **where;
        const char *text;
    } texts[] = {
        {&str_site, "site"},           {&str_discards, "discards"},
        {&str_name, "name"},           {&str_module, "__name__"},
        {&str_get_coro, "get_coro"},   {&str_get_name, "get_name"},
        {&str_qualname, "__qualname__"}, {&str_frame, "cr_frame"},
        {&str_globals, "f_globals"},   {&str_source_traceback, "_source_traceback"},
        {&str_born, "born"},           {&str_done, "done"},
        {&str_get_loop, "get_loop"},   {&str_cancelling, "cancelling"},
    };
    if (zero == NULL && (zero = PyLong_FromLong(0)) == NULL) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        if (*texts[i].where == NULL && (*texts[i].where = PyUnicode_InternFromString(texts[i].text)) == NULL) {
            return -1;
        }
    }
    if (PyModule_AddType(module, &RoomType) < 0 || PyModule_AddType(module, &WrapperType) < 0 ||
        PyModule_AddType(module, &FirstType) < 0) {
        return -1;
    }
#ifdef __linux__
    if (PyModule_AddType(module, &WakeType) < 0) {
        return -1;
    }
#endif
    return PyModule_AddIntConstant(module, "INTERFACE", INTERFACE);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_record",
    .m_doc = "The twin in C of what the program pays for each task.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__record(void)
{
    return PyModuleDef_Init(&definition);
}
