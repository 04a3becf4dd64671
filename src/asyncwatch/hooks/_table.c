/* The ledger's records and the table they are in, as small as they can be. A part of _record.c, which includes it.

   A record is a weak reference without a callback, and none of the collector's objects: it refers to nothing that could
   lead back to it, what the collector does about the weak references of what it clears away asks only those with a
   callback for more, and a task that is made brings no collection nearer because of us. So its end is its own here.
   https://github.com/python/cpython/blob/3.13/Python/gc.c (handle_weakrefs)
   https://github.com/python/cpython/blob/3.13/Objects/weakrefobject.c (clear_weakref, weakref___new__) */

#include <limits.h>
#include <stdint.h>

/* Of tasks and of what they wait for, in 112 and 64 bytes. The times of a wait are seconds since `epoch`. */
typedef struct {
    PyWeakReference ref;
    PyObject *site, *parent, *waits;
    void *key;
    double born;
    float since, due;
} Record;

static double epoch;

/* -- weak references that the collector does not count -- */

static int
no_traverse(PyObject *Py_UNUSED(self), visitproc Py_UNUSED(visit), void *Py_UNUSED(arg))
{
    return 0;
}

static void
unlink_ref(PyWeakReference *self)
{
    PyObject *object = self->wr_object;
    if (object == Py_None || object == NULL) {
        return;
    }
    PyWeakReference **list = (PyWeakReference **)((char *)object + Py_TYPE(object)->tp_weaklistoffset);
    if (*list == self) {
        *list = self->wr_next;
    }
    self->wr_object = Py_None;
    if (self->wr_prev != NULL) {
        self->wr_prev->wr_next = self->wr_next;
    }
    if (self->wr_next != NULL) {
        self->wr_next->wr_prev = self->wr_prev;
    }
    self->wr_prev = self->wr_next = NULL;
}

static void
ref_dealloc(PyObject *self)
{
    unlink_ref((PyWeakReference *)self);
    PyObject_Free(self);
}

/* A new reference of such a type. Classes keep their weak references elsewhere, and wait for nothing. */
static PyObject *
ref_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    if (PyTuple_GET_SIZE(args) != 1 || PyType_Check(PyTuple_GET_ITEM(args, 0))) {
        PyErr_SetString(PyExc_TypeError, "one object is wanted, and no class");
        return NULL;
    }
    return _PyWeakref_RefType.tp_new(type, args, NULL);
}

static int
ref_init(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    return 0;
}

static PyTypeObject WaitsType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "asyncwatch.hooks._record.Waits",
    .tp_basicsize = sizeof(PyWeakReference),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = ref_dealloc,
    .tp_traverse = no_traverse,
    .tp_alloc = PyType_GenericAlloc,
    .tp_free = PyObject_Free,
    .tp_init = ref_init,
    .tp_new = ref_new,
};

static void
record_dealloc(PyObject *object)
{
    Record *self = (Record *)object;
    Py_CLEAR(self->site);
    Py_CLEAR(self->parent);
    Py_CLEAR(self->waits);
    ref_dealloc(object);
}

static PyObject *
record_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Record *self = (Record *)ref_new(type, args, kwargs);
    if (self != NULL) {
        self->key = PyTuple_GET_ITEM(args, 0);
    }
    return (PyObject *)self;
}

static PyObject *
get_time(PyObject *self, void *offset)
{
    return PyFloat_FromDouble(epoch + (double)*(float *)((char *)self + (Py_ssize_t)offset));
}

static int
set_time(PyObject *self, PyObject *value, void *offset)
{
    double at = value == NULL ? -1.0 : PyFloat_AsDouble(value);
    if (value == NULL || (at == -1.0 && PyErr_Occurred())) {
        if (value == NULL) {
            PyErr_SetString(PyExc_AttributeError, "it is always there");
        }
        return -1;
    }
    *(float *)((char *)self + (Py_ssize_t)offset) = (float)(at - epoch);
    return 0;
}

static PyGetSetDef record_times[] = {
    {"since", get_time, set_time, "when it was first seen to wait for that", (void *)offsetof(Record, since)},
    {"due", get_time, set_time, "when that is to be judged", (void *)offsetof(Record, due)},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef record_members[] = {
    {"born", T_DOUBLE, offsetof(Record, born), 0, NULL},
    {"site", T_OBJECT, offsetof(Record, site), 0, NULL},
    {"parent", T_OBJECT, offsetof(Record, parent), 0, NULL},
    {"waits", T_OBJECT, offsetof(Record, waits), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyTypeObject RecordType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "asyncwatch.hooks._record.Record",
    .tp_basicsize = sizeof(Record),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = record_dealloc,
    .tp_traverse = no_traverse,
    .tp_members = record_members,
    .tp_getset = record_times,
    .tp_alloc = PyType_GenericAlloc,
    .tp_free = PyObject_Free,
    .tp_init = ref_init,
    .tp_new = record_new,
};

/* -- the table -- */

#define FEW 16
#define EMPTY (-1)

typedef struct Cursor Cursor;

/* As a dictionary of Python's, in the order in which they came, but the key is in the record. `index` has for each
   address a place in `entries`; there NULL is one that was taken out. */
typedef struct {
    PyObject_HEAD
    Record **entries;
    int32_t *index;
    Py_ssize_t used, live, room;
    size_t mask;
    Cursor *cursors;
} Records;

/* A place in the table that goes on to mean the same when entries move; records from there on have been visited. */
struct Cursor {
    PyObject_HEAD
    Records *table;
    Cursor *next;
    Py_ssize_t at;
};

static size_t
start_of(const Records *self, const void *key)
{
    return (size_t)(((uint64_t)(uintptr_t)key >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 24) & self->mask;
}

/* Where the index says where this key's entry is, or where it would. */
static size_t
find_place(const Records *self, const void *key)
{
    size_t place = start_of(self, key);
    while (self->index[place] != EMPTY && self->entries[self->index[place]]->key != key) {
        place = (place + 1) & self->mask;
    }
    return place;
}

/* A borrowed reference, NULL where there is none. */
static Record *
find_record(const Records *self, const void *key)
{
    if (self->live == 0) {
        return NULL;
    }
    int32_t entry = self->index[find_place(self, key)];
    return entry == EMPTY ? NULL : self->entries[entry];
}

/* Have room for so many, without holes; -1 with an exception, and all is as it was. */
static int
rebuild(Records *self, Py_ssize_t room)
{
    size_t size = FEW;
    while (size * 3 / 4 < (size_t)room) {
        size *= 2;
    }
    if (room >= INT32_MAX) {
        PyErr_NoMemory();
        return -1;
    }
    Record **entries = PyMem_New(Record *, room);
    int32_t *index = PyMem_New(int32_t, size);
    if (entries == NULL || index == NULL) {
        PyMem_Free(entries);
        PyMem_Free(index);
        PyErr_NoMemory();
        return -1;
    }
    Py_ssize_t used = 0;
    for (Cursor *cursor = self->cursors; cursor != NULL; cursor = cursor->next) {
        Py_ssize_t before = 0;
        for (Py_ssize_t i = 0; i < cursor->at && i < self->used; i++) {
            before += self->entries[i] != NULL;
        }
        cursor->at = before;
    }
    for (Py_ssize_t i = 0; i < self->used; i++) {
        if (self->entries[i] != NULL) {
            entries[used++] = self->entries[i];
        }
    }
    memset(index, 0xff, size * sizeof(*index));
    PyMem_Free(self->entries);
    PyMem_Free(self->index);
    self->entries = entries;
    self->index = index;
    self->used = self->live = used;
    self->room = room;
    self->mask = size - 1;
    for (Py_ssize_t i = 0; i < used; i++) {
        self->index[find_place(self, entries[i]->key)] = (int32_t)i;
    }
    return 0;
}

/* In the place of one with its key, if there is; takes its own reference; -1 with an exception. */
static int
put_record(Records *self, Record *record)
{
    if (self->used == self->room) {
        Py_ssize_t room = self->live < self->room / 8 * 7 ? self->room : self->room + self->room / 4 + FEW;
        if (rebuild(self, room) < 0) {
            return -1;
        }
    }
    size_t place = find_place(self, record->key);
    int32_t entry = self->index[place];
    Py_INCREF(record);
    if (entry != EMPTY) {
        Record *before = self->entries[entry];
        self->entries[entry] = record;
        Py_DECREF(before);
        return 0;
    }
    self->index[place] = (int32_t)self->used;
    self->entries[self->used++] = record;
    self->live++;
    return 0;
}

/* A record is taken out if it is there; -1 with an exception. */
static int
drop_record(Records *self, Record *record)
{
    if (find_record(self, record->key) != record) {
        return 0;
    }
    size_t place = find_place(self, record->key), next = place;
    self->entries[self->index[place]] = NULL;
    self->live--;
    /* What was put further on because this place was taken, moves up. */
    for (;;) {
        next = (next + 1) & self->mask;
        if (self->index[next] == EMPTY) {
            break;
        }
        size_t start = start_of(self, self->entries[self->index[next]]->key);
        if (((next - start) & self->mask) >= ((next - place) & self->mask)) {
            self->index[place] = self->index[next];
            place = next;
        }
    }
    self->index[place] = EMPTY;
    Py_DECREF(record);
    if (self->room > 1024 && self->live < self->room / 8) {
        return rebuild(self, 2 * self->live + FEW);
    }
    return 0;
}

static PyObject *
records_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    Records *self = (Records *)type->tp_alloc(type, 0);
    if (self != NULL && rebuild(self, FEW) < 0) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static PyObject *
records_clear(PyObject *object, PyObject *Py_UNUSED(ignored))
{
    Records *self = (Records *)object, before = *self;
    self->entries = NULL;
    self->index = NULL;
    self->used = 0;
    if (rebuild(self, FEW) < 0) {
        *self = before;
        return NULL;
    }
    for (Py_ssize_t i = 0; i < before.used; i++) {
        Py_XDECREF(before.entries[i]);
    }
    PyMem_Free(before.entries);
    PyMem_Free(before.index);
    Py_RETURN_NONE;
}

static void
records_dealloc(PyObject *object)
{
    Records *self = (Records *)object;
    for (Py_ssize_t i = 0; i < self->used; i++) {
        Py_XDECREF(self->entries[i]);
    }
    PyMem_Free(self->entries);
    PyMem_Free(self->index);
    Py_TYPE(object)->tp_free(object);
}

static Py_ssize_t
records_length(PyObject *self)
{
    return ((Records *)self)->live;
}

/* A borrowed reference; NULL without an exception where there is none. */
static Record *
look_up(PyObject *self, PyObject *key)
{
    void *address = PyLong_AsVoidPtr(key);
    if (address == NULL && PyErr_Occurred()) {
        return NULL;
    }
    return find_record((Records *)self, address);
}

static PyObject *
records_item(PyObject *self, PyObject *key)
{
    Record *found = look_up(self, key);
    if (found == NULL && !PyErr_Occurred()) {
        PyErr_SetObject(PyExc_KeyError, key);
    }
    return Py_XNewRef((PyObject *)found);
}

static int
records_set(PyObject *self, PyObject *key, PyObject *value)
{
    if (value == NULL) {
        Record *found = look_up(self, key);
        if (found == NULL) {
            if (!PyErr_Occurred()) {
                PyErr_SetObject(PyExc_KeyError, key);
            }
            return -1;
        }
        return drop_record((Records *)self, found);
    }
    if (!Py_IS_TYPE(value, &RecordType) || ((Record *)value)->key != PyLong_AsVoidPtr(key)) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "a record is kept by the address of its task");
        }
        return -1;
    }
    return put_record((Records *)self, (Record *)value);
}

static int
records_contains(PyObject *self, PyObject *key)
{
    Record *found = look_up(self, key);
    return found == NULL && PyErr_Occurred() ? -1 : found != NULL;
}

static PyObject *
records_get(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count < 1 || count > 2) {
        PyErr_SetString(PyExc_TypeError, "a key is wanted, and at most a default");
        return NULL;
    }
    Record *found = look_up(self, args[0]);
    if (found == NULL && PyErr_Occurred()) {
        return NULL;
    }
    return Py_NewRef(found != NULL ? (PyObject *)found : count == 2 ? args[1] : Py_None);
}

/* Making a list may run the collector, and code that changes the table: each step looks at it anew. */
static PyObject *
records_values(PyObject *object, PyObject *Py_UNUSED(ignored))
{
    Records *self = (Records *)object;
    PyObject *found = PyList_New(0);
    for (Py_ssize_t i = 0; found != NULL && i < self->used; i++) {
        PyObject *record = Py_XNewRef((PyObject *)self->entries[i]);
        if (record != NULL && PyList_Append(found, record) < 0) {
            Py_CLEAR(found);
        }
        Py_XDECREF(record);
    }
    return found;
}

static PyObject *
records_items(PyObject *object, PyObject *Py_UNUSED(ignored))
{
    PyObject *found = records_values(object, NULL);
    for (Py_ssize_t i = 0; found != NULL && i < PyList_GET_SIZE(found); i++) {
        PyObject *record = PyList_GET_ITEM(found, i);
        PyObject *pair = Py_BuildValue("(NO)", PyLong_FromVoidPtr(((Record *)record)->key), record);
        if (pair == NULL || PyList_SetItem(found, i, pair) < 0) {
            Py_CLEAR(found);
        }
    }
    return found;
}

/* -- cursors -- */

static void
cursor_dealloc(PyObject *object)
{
    Cursor *self = (Cursor *)object;
    Cursor **link = &self->table->cursors;
    while (*link != self) {
        link = &(*link)->next;
    }
    *link = self->next;
    Py_DECREF(self->table);
    Py_TYPE(object)->tp_free(object);
}

static PyObject *
cursor_rewind(PyObject *object, PyObject *Py_UNUSED(ignored))
{
    ((Cursor *)object)->at = ((Cursor *)object)->table->used;
    Py_RETURN_NONE;
}

static PyObject *
cursor_left(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((Cursor *)self)->at > 0);
}

static PyGetSetDef cursor_getset[] = {
    {"left", cursor_left, NULL, "whether there are records that have not been visited", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyObject *pass_over(PyObject *object, PyObject *const *args, Py_ssize_t count);

PyDoc_STRVAR(pass_over_doc,
"pass_over(others, loop, started, step, settled, grace, rarely) -> tuple\n\n"
"Visit records, the newest first, while nothing is to be done about their tasks but to forget those that are gone: of\n"
"those that are there for the young, pending, asked by nobody to end and not due. Returns the key of one about which\n"
"there is, None where so many were visited or all were; how many of those that are gone had a site that discards; and\n"
"how many of the others are this loop's. A task whose key is in one of the others is not passed over.");

static PyMethodDef cursor_methods[] = {
    {"rewind", cursor_rewind, METH_NOARGS, "Begin with the newest again."},
    {"pass_over", (PyCFunction)(void (*)(void))pass_over, METH_FASTCALL, pass_over_doc},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject CursorType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "asyncwatch.hooks._record.Cursor",
    .tp_basicsize = sizeof(Cursor),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = cursor_dealloc,
    .tp_methods = cursor_methods,
    .tp_getset = cursor_getset,
};

static PyObject *
records_cursor(PyObject *object, PyObject *Py_UNUSED(ignored))
{
    Cursor *self = (Cursor *)CursorType.tp_alloc(&CursorType, 0);
    if (self != NULL) {
        self->table = (Records *)Py_NewRef(object);
        self->next = self->table->cursors;
        self->table->cursors = self;
    }
    return (PyObject *)self;
}

static PyMethodDef records_methods[] = {
    {"get", (PyCFunction)(void (*)(void))records_get, METH_FASTCALL, "As a dictionary's."},
    {"values", records_values, METH_NOARGS, "A list of the records, in the order in which they came."},
    {"items", records_items, METH_NOARGS, "A list of keys with their records."},
    {"clear", records_clear, METH_NOARGS, "As a dictionary's."},
    {"cursor", records_cursor, METH_NOARGS, "A way through the records that is not disturbed by changes."},
    {NULL, NULL, 0, NULL},
};

static PyMappingMethods records_mapping = {
    .mp_length = records_length,
    .mp_subscript = records_item,
    .mp_ass_subscript = records_set,
};

static PySequenceMethods records_sequence = {
    .sq_contains = records_contains,
};

static PyTypeObject RecordsType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "asyncwatch.hooks._record.Records",
    .tp_basicsize = sizeof(Records),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = records_dealloc,
    .tp_methods = records_methods,
    .tp_as_mapping = &records_mapping,
    .tp_as_sequence = &records_sequence,
    .tp_new = records_new,
};

/* -- the sweep -- */

/* So many at once, for another thread may wait. */
#define MOST_PASSED 1000

/* Whether a task was thrown away where it was made. */
static int
was_discarded(const Record *record)
{
    if (record->site == NULL || record->site == Py_None) {
        return 0;
    }
    PyObject *discards = PyObject_GetAttr(record->site, str_discards);
    int found = discards == NULL ? -1 : PyObject_IsTrue(discards);
    Py_XDECREF(discards);
    return found;
}

static int
is_in_any(const void *address, PyObject *tables)
{
    int found = 0;
    PyObject *key = NULL;
    for (Py_ssize_t i = 0; !found && i < PyTuple_GET_SIZE(tables); i++) {
        PyObject *table = PyTuple_GET_ITEM(tables, i);
        if (PyDict_Check(table) && PyDict_GET_SIZE(table) == 0) {
            continue;
        }
        if (key == NULL && (key = PyLong_FromVoidPtr((void *)address)) == NULL) {
            return -1;
        }
        found = PySequence_Contains(table, key);
    }
    Py_XDECREF(key);
    return found;
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
    if (answer == NULL && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyErr_Clear();
    }
    Py_XDECREF(answer);
    return same;
}

/* Whether a record is done with: its task is gone, and it with it, or nothing is to be done about it. -1 with an
   exception. */
static int
passes(Cursor *self, Record *record, PyObject *others, PyObject *loop, const double *numbers, Py_ssize_t *counts)
{
    double started = numbers[0], step = numbers[1], settled = numbers[2];
    int known = is_in_any(record->key, others);
    if (known) {
        return known < 0 ? -1 : 0;
    }
    PyObject *task = record->ref.wr_object;
    if (task == Py_None) {
        int given = was_discarded(record);
        if (given < 0 || drop_record(self->table, record) < 0) {
            return -1;
        }
        counts[0] += given;
        return 1;
    }
    double age = started - record->born;
    if (age >= settled || is_due(age, step, numbers[3], numbers[4])) {
        return 0;
    }
    Py_INCREF(task);
    int passed = answers(task, str_done, Py_False) && answers(task, str_cancelling, zero);
    counts[1] += passed && answers(task, str_get_loop, loop);
    Py_DECREF(task);
    return PyErr_Occurred() ? -1 : passed;
}

static PyObject *
pass_over(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
    Cursor *self = (Cursor *)object;
    double numbers[5];
    Py_ssize_t counts[2] = {0, 0};
    if (count != 7 || !PyTuple_CheckExact(args[0])) {
        PyErr_SetString(PyExc_TypeError, "a tuple of dictionaries, a loop and five numbers are wanted");
        return NULL;
    }
    for (int i = 0; i < 5; i++) {
        numbers[i] = PyFloat_AsDouble(args[2 + i]);
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    PyObject *key = Py_NewRef(Py_None);
    for (int i = 0; i < MOST_PASSED && self->at > 0; i++) {
        Record *record = self->at <= self->table->used ? self->table->entries[self->at - 1] : NULL;
        self->at--;
        if (record == NULL) {
            continue;
        }
        Py_INCREF(record);
        int passed = passes(self, record, args[0], args[1], numbers, counts);
        if (passed == 0) {
            Py_SETREF(key, PyLong_FromVoidPtr(record->key));
        }
        Py_DECREF(record);
        if (passed < 0 || key == NULL) {
            Py_XDECREF(key);
            return NULL;
        }
        if (passed == 0) {
            break;
        }
    }
    return Py_BuildValue("(Nnn)", key, counts[0], counts[1]);
}
