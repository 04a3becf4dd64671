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
#include <time.h>
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

static PyObject *str_name, *str_module, *str_source_traceback, *str_discards;
static PyObject *str_get_coro, *str_get_name, *str_qualname, *str_frame, *str_globals;
static PyObject *str_done, *str_cancelling, *str_get_loop, *zero;

#include "_doze.c"
#include "_table.c"

/* -- the replacement -- */

/* One letter for each thing it is given; all are there for as long as it is. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *dict;
    PyObject *weakrefs;
    PyObject *original;      /* what makes the task */
    Room *room;
    PyTypeObject *site;      /* the type of a site, and where a slot of it is */
    Records *records;
    PyObject *known;         /* dictionaries of the ledger */
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
    Py_ssize_t plain_at, root_at, name_at, coro_at, module_at;
    int fills_in;            /* whether the original takes a name of None for none */
} Wrapper;

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
new_parent(Wrapper *self, PyObject *current)
{
    PyObject *root = Py_True;
    Record *record = find_record(self->records, current);
    if (record != NULL) {
        if (record->ref.wr_object != current) {
            return NULL;
        }
        root = record->parent == NULL || record->parent == Py_None ? Py_True : Py_False;
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
        parent = failed ? NULL : new_parent(self, current);
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
static Record *
new_record(Wrapper *self, PyObject *task)
{
    PyObject *arguments = PyTuple_Pack(1, task);
    if (arguments == NULL) {
        return NULL;
    }
    Record *record = (Record *)record_new(&RecordType, arguments, NULL);
    Py_DECREF(arguments);
    if (record != NULL) {
        record->born = self->room->clock;
    }
    return record;
}

/* Where and by whom it was made is remembered; -1 with an exception. */
static int
remember(Wrapper *self, PyObject *loop, PyObject *task)
{
    int done = -1;
    Record *record = NULL;
    PyObject *current = NULL;

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
    if ((record->site = find_site(self, loop, current)) != NULL &&
        (record->parent = find_parent(self, loop, current)) != NULL) {
        done = put_record(self->records, record);
    }
end:
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
    Py_TYPE(object)->tp_free(object);
}

static PyObject *
wrapper_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"original", "room", "site", "records", "known", "parents", "forwarders",
                            "ways", "family", "current", "running", "meet", "parent", "hide", "failed", "fills_in",
                            NULL};
    PyObject *original, *room, *site, *records, *known, *parents, *forwarders, *ways, *family;
    PyObject *current, *running, *meet, *parent, *hide, *failed;
    int fills_in;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!O!O!O!O!O!O!O!OOOOOOp:create_task", names, &original,
                                     &RoomType, &room, &PyType_Type, &site, &RecordsType, &records, &PyDict_Type,
                                     &known, &PyDict_Type, &parents, &PyFrozenSet_Type, &forwarders, &PyDict_Type,
                                     &ways, &PyType_Type, &family, &current, &running, &meet, &parent, &hide,
                                     &failed, &fills_in)) {
        return NULL;
    }
    if (!PyType_IsSubtype((PyTypeObject *)family, &_PyWeakref_RefType)) {
        PyErr_SetString(PyExc_TypeError, "a parent is a weak reference");
        return NULL;
    }
    Py_ssize_t plain_at, root_at, name_at, coro_at, module_at;
    if ((plain_at = offset_of((PyTypeObject *)site, "plain")) < 0 ||
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
    self->site = (PyTypeObject *)Py_NewRef(site);
    self->records = (Records *)Py_NewRef(records);
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

/* -- what is left of parents that are gone -- */

PyDoc_STRVAR(drop_gone_doc,
"drop_gone(keys, table)\n\n"
"Take keys off the end of the list, so many at once, and with each its weak reference out of the table where what that\n"
"referred to is gone.");

static PyObject *
drop_gone(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 2 || !PyList_CheckExact(args[0]) || !PyDict_CheckExact(args[1])) {
        PyErr_SetString(PyExc_TypeError, "a list and a dictionary are wanted");
        return NULL;
    }
    PyObject *keys = args[0], *table = args[1];
    Py_ssize_t size;
    for (int i = 0; i < MOST_PASSED && (size = PyList_GET_SIZE(keys)) > 0; i++) {
        PyObject *key = Py_NewRef(PyList_GET_ITEM(keys, size - 1));
        PyObject *found = Py_XNewRef(PyDict_GetItemWithError(table, key));
        int failed = found == NULL && PyErr_Occurred();
        if (found != NULL && PyWeakref_Check(found) && ((PyWeakReference *)found)->wr_object == Py_None) {
            failed = PyDict_DelItem(table, key) < 0;
        }
        failed = failed || PyList_SetSlice(keys, size - 1, size, NULL) < 0;
        Py_XDECREF(found);
        Py_DECREF(key);
        if (failed) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
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
        {&str_discards, "discards"},
        {&str_name, "name"},           {&str_module, "__name__"},
        {&str_get_coro, "get_coro"},   {&str_get_name, "get_name"},
        {&str_qualname, "__qualname__"}, {&str_frame, "cr_frame"},
        {&str_globals, "f_globals"},   {&str_source_traceback, "_source_traceback"},
        {&str_done, "done"},
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
    struct timespec now;
    epoch = clock_gettime(CLOCK_MONOTONIC, &now) ? 0.0 : (double)now.tv_sec;
    RecordType.tp_base = WaitsType.tp_base = &_PyWeakref_RefType;
    if (PyModule_AddType(module, &RecordType) < 0 || PyModule_AddType(module, &WaitsType) < 0 ||
        PyModule_AddType(module, &RecordsType) < 0 || PyType_Ready(&CursorType) < 0) {
        return -1;
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
