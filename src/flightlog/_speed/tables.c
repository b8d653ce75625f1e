/* Making the tables of a scanner; see tables.h. Owns one block for each, which it hands over. */
#include "tables.h"

#include <string.h>

#define CLINGS 4 /* times as often as anywhere, a small letter stands behind another */

/* Say whether a path may begin with a byte: with its first element, or past the runs that need not be there. */
static int
may_begin(const fls_path *path, unsigned byte)
{
    for (int i = 0; i < path->count; i++) {
        if (byte != FLS_OUTSIDE && fls_holds(path->elements[i].holds, byte))
            return 1;
        if (!path->elements[i].repeats)
            return 0;
    }
    return 1; /* nothing is asked of it: whatever stands there, or the end of the text */
}

/* Say whether a byte may stand at one of the places in and around the window of a look. */
static int
place_holds(const fls_looked *look, int which, unsigned byte)
{
    if (which == FLS_BEFORE)
        return may_begin(&look->backwards, byte);
    if (which == look->window)
        return may_begin(&look->forwards, byte);
    if (which > look->window)
        return 1;
    return byte != FLS_OUTSIDE && fls_holds(look->whole.elements[look->backwards.count + which].holds, byte);
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

static int
read_path(fls_path *path, fls_element *room, const char *data, Py_ssize_t size, const uint8_t *sets, Py_ssize_t count)
{
    const Py_ssize_t elements = size / 4;
    if (size % 4 || elements < 1 || elements > FLS_LONGEST_PATH)
        goto wrong;
    path->elements = room;
    path->count = (int)elements;
    int once = 0; /* elements that a window can have */
    for (Py_ssize_t i = 0; i < elements; i++) {
        uint16_t number, repeats;
        memcpy(&number, data + 4 * i, 2);
        memcpy(&repeats, data + 4 * i + 2, 2);
        if (number >= count)
            goto wrong;
        room[i].holds = sets + 32 * (size_t)number;
        room[i].repeats = repeats != 0;
        once += !repeats;
    }
    if (once)
        return 0;
wrong:
    PyErr_SetString(PyExc_ValueError, "a path is 1 to 63 pairs of a class and whether it repeats; not all repeat");
    return -1;
}

static int
read_look(fls_tables *tables, Py_ssize_t place, PyObject *told, fls_element **room, const uint8_t *sets,
          Py_ssize_t count)
{
    int in_texts, in_documents;
    const char *data;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(told, "ppy#", &in_texts, &in_documents, &data, &size))
        return -1;
    fls_looked *look = &tables->told[place];
    if (read_path(&look->whole, *room, data, size, sets, count) < 0)
        return -1;
    *room += look->whole.count;
    look->backwards.elements = *room; /* filled when the window is chosen */
    *room += look->whole.count;
    look->in_texts = in_texts;
    look->in_documents = in_documents;
    return 0;
}

/* ---- choosing windows and groups ---------------------------------------------------------------------------- */

/* How common the bytes are that two sets of four-bit halves let through: for each high half, the sums over the low
 * ones, eight bits of the set at a time; once for small letters, once for all other bytes. */
typedef struct {
    double sums[16][2][256][2];
} scale;

static void
set_scale(scale *sums, const double *weights)
{
    for (int high = 0; high < 16; high++)
        for (int part = 0; part < 2; part++)
            for (int set = 0; set < 256; set++)
                for (int low = 0; low < 8; low++) {
                    const int byte = high << 4 | part << 3 | low, is_small = byte >= 'a' && byte <= 'z';
                    sums->sums[high][part][set][is_small] += set >> low & 1 ? weights[byte] : 0;
                }
}

/* The four-bit halves of the bytes of a window. */
typedef struct {
    uint16_t low[FLS_WINDOW], high[FLS_WINDOW];
} halves;

/* How common a window is. A small letter stands behind another more often than the two are there: a piece of a word
 * is in many texts, and its letters with the mark beside it in few. */
static double
weigh(const halves *of, const scale *sums)
{
    double word = 0, mark = 1; /* of what ends in a small letter up to here, and of what does not */
    for (int which = 0; which < FLS_WINDOW; which++) {
        double sum[2] = {0, 0};
        for (unsigned rest = of->high[which]; rest; rest &= rest - 1) {
            const int high = __builtin_ctz(rest);
            const double *first = sums->sums[high][0][of->low[which] & 255];
            const double *second = sums->sums[high][1][of->low[which] >> 8];
            sum[0] += first[0] + second[0];
            sum[1] += first[1] + second[1];
        }
        const double before = word + mark;
        word = (CLINGS * word + mark) * sum[1];
        mark = before * sum[0];
    }
    return word + mark;
}

static halves
both(const halves *one, const halves *other)
{
    halves sum;
    for (int which = 0; which < FLS_WINDOW; which++) {
        sum.low[which] = one->low[which] | other->low[which];
        sum.high[which] = one->high[which] | other->high[which];
    }
    return sum;
}

/* Two bytes of a set are the sixteen low halves that go with one high half. */
static void
halve(const uint8_t *set, uint16_t *low, uint16_t *high)
{
    *low = *high = 0;
    for (int half = 0; half < 16; half++) {
        const uint16_t row = (uint16_t)(set[2 * half] | set[2 * half + 1] << 8);
        *low |= row;
        *high |= (uint16_t)((row != 0) << half);
    }
}

/* Every window of a path, by where it begins; one that begins with a run is none. Returns how many elements it has. */
static int
window_at(const fls_path *path, const uint16_t (*split)[2], int start, halves *window)
{
    int size = 0;
    while (size < FLS_WINDOW && start + size < path->count && !path->elements[start + size].repeats)
        size++;
    for (int which = 0; which < FLS_WINDOW; which++) {
        window->low[which] = which < size ? split[start + which][0] : 0xFFFF;
        window->high[which] = which < size ? split[start + which][1] : 0xFFFF;
    }
    return size;
}

/* Where a look is found for the time being. */
typedef struct {
    int group, start, window;
    halves halves;
} choice;

typedef struct {
    halves groups[FLS_GROUPS];
    double costs[FLS_GROUPS];
    int used[FLS_GROUPS];
    scale scale;
    choice *chosen; /* by look; owned by deal_all */
} dealing;

/* The only byte of a set; FLS_NONE where there are several. */
static int
only_byte(const uint8_t *set)
{
    int only = FLS_NONE;
    for (int byte = 0; byte < 256; byte++)
        if (fls_holds(set, (unsigned)byte)) {
            if (only != FLS_NONE)
                return FLS_NONE;
            only = byte;
        }
    return only;
}

/* The rarest byte that has to stand outside the window. Only runs are worth asking for it: without one, what stands
 * around the window is read as fast. */
static int
rarest_need(const fls_looked *look, int start, int window, const double *weights)
{
    if (!look->forwards.repeats && !look->backwards.repeats)
        return FLS_NONE;
    int rarest = FLS_NONE;
    for (int i = 0; i < look->whole.count; i++) {
        if (look->whole.elements[i].repeats || (i >= start && i < start + window))
            continue;
        const int byte = only_byte(look->whole.elements[i].holds);
        if (byte != FLS_NONE && (rarest == FLS_NONE || weights[byte] < weights[rarest]))
            rarest = byte;
    }
    return rarest;
}

static void
settle(fls_looked *look, int start, int window, const double *weights)
{
    look->window = window;
    look->forwards.elements = look->whole.elements + start + window;
    look->forwards.count = look->whole.count - start - window;
    look->backwards.count = start;
    fls_element *back = (fls_element *)look->backwards.elements; /* the room that read_look kept for it */
    for (int i = 0; i < start; i++)
        back[i] = look->whole.elements[start - 1 - i];
    fls_path *const paths[] = {&look->forwards, &look->backwards};
    for (int which = 0; which < 2; which++) {
        paths[which]->repeats = 0;
        for (int i = 0; i < paths[which]->count; i++)
            paths[which]->repeats |= (uint64_t)(paths[which]->elements[i].repeats != 0) << i;
    }
    look->needs = rarest_need(look, start, window, weights);
}

/* Give a look whose window is chosen its place in a group. */
static void
put(fls_tables *tables, fls_looked *look, int group, int number)
{
    const uint64_t bit = (uint64_t)1 << number;
    tables->look[group * FLS_A_GROUP + number] = look;
    tables->held[0][group] |= look->in_texts ? bit : 0;
    tables->held[1][group] |= look->in_documents ? bit : 0;
    for (int which = 0; which < FLS_PLACES; which++)
        for (unsigned byte = 0; byte <= FLS_OUTSIDE; byte++)
            if (place_holds(look, which, byte))
                tables->holding[fls_held_at(which, byte, group)] |= bit;
    for (int which = look->window; which < FLS_WINDOW; which++)
        tables->sieve.open[which] |= 1u << group;
}

/* Choose the window and the group of a look. Best is what lets through the least that was kept out before, and is the
 * rarest itself: each place that is let through costs a look-up, and each window that is there costs a reading. */
static void
deal(const fls_looked *look, choice *best, dealing *so_far)
{
    uint16_t split[FLS_LONGEST_PATH][2];
    for (int i = 0; i < look->whole.count; i++)
        halve(look->whole.elements[i].holds, &split[i][0], &split[i][1]);
    double least = 0, grown = 0;
    best->window = 0;
    for (int at = 0; at < look->whole.count; at++) {
        halves mine;
        const int size = window_at(&look->whole, (const uint16_t(*)[2])split, at, &mine);
        const double own = size ? weigh(&mine, &so_far->scale) : 0;
        if (!size || (best->window && own >= least))
            continue; /* no group can make up for that */
        for (int to = 0; to < FLS_GROUPS; to++) {
            if (so_far->used[to] == FLS_A_GROUP)
                continue;
            const halves sum = so_far->used[to] ? both(&so_far->groups[to], &mine) : mine;
            const double more = weigh(&sum, &so_far->scale) - so_far->costs[to];
            if (!best->window || more + own < least) {
                least = more + own;
                grown = more;
                best->group = to;
                best->start = at;
                best->window = size;
                best->halves = mine;
            }
        }
    }
    const int group = best->group;
    so_far->groups[group] = so_far->used[group]++ ? both(&so_far->groups[group], &best->halves) : best->halves;
    so_far->costs[group] += grown;
}

static double
least_weight(const fls_looked *look, const scale *sums)
{
    uint16_t split[FLS_LONGEST_PATH][2];
    for (int i = 0; i < look->whole.count; i++)
        halve(look->whole.elements[i].holds, &split[i][0], &split[i][1]);
    double least = 2;
    for (int at = 0; at < look->whole.count; at++) {
        halves mine;
        if (window_at(&look->whole, (const uint16_t(*)[2])split, at, &mine)) {
            const double weight = weigh(&mine, sums);
            least = weight < least ? weight : least;
        }
    }
    return least;
}

/* Deal the looks into the groups, the most common first, so that what cannot be rare is kept together. */
static void
deal_all(const fls_tables *tables, dealing *so_far, double *weight)
{
    const Py_ssize_t looks = tables->looks;
    for (Py_ssize_t i = 0; i < looks; i++)
        weight[i] = least_weight(&tables->told[i], &so_far->scale);
    for (Py_ssize_t done = 0; done < looks; done++) {
        Py_ssize_t next = 0;
        for (Py_ssize_t i = 1; i < looks; i++)
            next = weight[i] > weight[next] ? i : next;
        weight[next] = -1;
        deal(&tables->told[next], &so_far->chosen[next], so_far);
    }
}

static void
set_sieve(fls_sieve *sieve, const dealing *dealt)
{
    for (int group = 0; group < FLS_GROUPS; group++)
        for (int which = 0; which < FLS_WINDOW; which++)
            for (int half = 0; half < 16; half++) {
                const uint8_t bit = (uint8_t)(1u << (group & 7));
                sieve->low[group >> 3][which][half] |= dealt->groups[group].low[which] >> half & 1 ? bit : 0;
                sieve->high[group >> 3][which][half] |= dealt->groups[group].high[which] >> half & 1 ? bit : 0;
            }
}

static int
choose(fls_tables *tables, const double *weights)
{
    dealing *so_far = PyMem_Calloc(1, sizeof(dealing));
    choice *chosen = PyMem_Calloc((size_t)tables->looks + 1, sizeof(choice));
    double *weight = PyMem_Calloc((size_t)tables->looks + 1, sizeof(double));
    const int there = so_far != NULL && chosen != NULL && weight != NULL;
    if (there) {
        int numbers[FLS_GROUPS] = {0};
        so_far->chosen = chosen;
        set_scale(&so_far->scale, weights);
        deal_all(tables, so_far, weight);
        for (Py_ssize_t i = 0; i < tables->looks; i++) {
            settle(&tables->told[i], chosen[i].start, chosen[i].window, weights);
            put(tables, &tables->told[i], chosen[i].group, numbers[chosen[i].group]++);
        }
        set_sieve(&tables->sieve, so_far);
    }
    PyMem_Free(so_far);
    PyMem_Free(chosen);
    PyMem_Free(weight);
    if (!there)
        PyErr_NoMemory();
    return there ? 0 : -1;
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */

static int
count_elements(PyObject *looks, Py_ssize_t *elements)
{
    *elements = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(looks); i++) {
        PyObject *told = PyTuple_GET_ITEM(looks, i);
        if (!PyTuple_Check(told) || PyTuple_GET_SIZE(told) != 3 || !PyBytes_Check(PyTuple_GET_ITEM(told, 2))) {
            PyErr_SetString(PyExc_TypeError, "a look is (in_texts, in_documents, path)");
            return -1;
        }
        *elements += PyBytes_GET_SIZE(PyTuple_GET_ITEM(told, 2)) / 4;
    }
    return 0;
}

/* Lay the block out. The sizes are those of objects in memory times a few, so their sum fits. */
static int
make_room(fls_tables *tables, Py_ssize_t elements, Py_ssize_t classes, fls_element **room, uint8_t **sets)
{
    const size_t holding = fls_held_at(FLS_PLACES, 0, 0);
    const size_t numbers = 8 * (holding + 2 * FLS_GROUPS);
    const size_t pointers = sizeof(fls_looked *) * FLS_GROUPS * FLS_A_GROUP;
    const size_t looks = sizeof(fls_looked) * (size_t)tables->looks;
    const size_t paths = 2 * sizeof(fls_element) * (size_t)elements;
    uint64_t *block = PyMem_Calloc(1, numbers + pointers + looks + paths + 32 * (size_t)classes);
    if (block == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    tables->block = block;
    tables->holding = block;
    block += holding;
    for (int which = 0; which < 2; which++, block += FLS_GROUPS)
        tables->held[which] = block;
    tables->look = (fls_looked **)(void *)block;
    tables->told = (fls_looked *)(void *)((char *)block + pointers);
    *room = (fls_element *)(void *)((char *)block + pointers + looks);
    *sets = (uint8_t *)(*room + 2 * elements);
    return 0;
}

int
fls_tables_fill(fls_tables *tables, const Py_buffer *classes, const Py_buffer *weights, PyObject *looks)
{
    const Py_ssize_t count = classes->len / 32;
    Py_ssize_t elements;
    double common[256];
    if (classes->len % 32 || weights->len != (Py_ssize_t)sizeof common) {
        PyErr_SetString(PyExc_ValueError, "a class is 32 bytes, and the weights are 256 doubles");
        return -1;
    }
    if (count_elements(looks, &elements) < 0)
        return -1;
    memcpy(common, weights->buf, sizeof common);
    for (int byte = 0; byte < 256; byte++)
        if (!(common[byte] >= 0 && common[byte] <= 1e9)) { /* nor no number at all */
            PyErr_SetString(PyExc_ValueError, "a weight is a number from 0 on");
            return -1;
        }
    tables->looks = PyTuple_GET_SIZE(looks);
    if (tables->looks > FLS_GROUPS * FLS_A_GROUP) {
        PyErr_SetString(PyExc_OverflowError, "too many looks");
        return -1;
    }
    fls_element *room;
    uint8_t *sets;
    if (make_room(tables, elements, count, &room, &sets) < 0)
        return -1;
    memcpy(sets, classes->buf, (size_t)classes->len);
    for (Py_ssize_t i = 0; i < tables->looks; i++)
        if (read_look(tables, i, PyTuple_GET_ITEM(looks, i), &room, sets, count) < 0)
            goto failed;
    if (choose(tables, common) < 0)
        goto failed;
    return 0;
failed:
    fls_tables_free(tables);
    return -1;
}

void
fls_tables_free(fls_tables *tables)
{
    PyMem_Free(tables->block);
    tables->block = NULL;
}
