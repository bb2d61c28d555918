// The two loops of a straight-through step over a whole weight, each one pass through memory:
//
// keep   out = value * kept                       forward: the projected weight
// pull   out = gradient + s * value * (1 - kept)   backward: SR-STE's pull on the pruned weights
//
// Products and sums are rounded one by one, as torch rounds them operation by operation: the same
// bits, in less than half of the time that the separate passes take.

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdint>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define HAS_AVX2_PATH 1
// Without fma: a joined multiply-add would give other bits than the portable path.
#define AVX2 __attribute__((target("avx2")))
#else
#define HAS_AVX2_PATH 0
#endif
#define RESTRICT __restrict

namespace {

#define LOOPS(NAME, TARGET)                                                                         \
    TARGET void keep_##NAME(const float* RESTRICT values, const uint8_t* RESTRICT kept,             \
                            float* RESTRICT out, Py_ssize_t count) {                                \
        for (Py_ssize_t i = 0; i < count; ++i) out[i] = values[i] * float(kept[i]);                 \
    }                                                                                               \
    TARGET void pull_##NAME(const float* RESTRICT gradient, const float* RESTRICT values,           \
                            const uint8_t* RESTRICT kept, float strength, float* RESTRICT out,      \
                            Py_ssize_t count) {                                                     \
        for (Py_ssize_t i = 0; i < count; ++i) {                                                    \
            const float pruned = values[i] * float(1 - kept[i]);                                    \
            out[i] = gradient[i] + pruned * strength;                                               \
        }                                                                                           \
    }

LOOPS(portable, )
#if HAS_AVX2_PATH
LOOPS(avx2, AVX2)
#endif

bool has_avx2() {
#if HAS_AVX2_PATH
    return __builtin_cpu_supports("avx2");
#else
    return false;
#endif
}

struct Array {
    Py_buffer view{};
    bool held = false;

    ~Array() {
        if (held) PyBuffer_Release(&view);
    }

    // Take a contiguous buffer of a given size.
    bool take(PyObject* object, bool writable, Py_ssize_t width, Py_ssize_t count, const char* name) {
        const int flags = PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(object, &view, flags) < 0) return false;
        held = true;
        if (count >= 0 && view.len != width * count) {
            PyErr_Format(PyExc_ValueError, "%s: %zd bytes are wanted, not %zd", name, width * count, view.len);
            return false;
        }
        return true;
    }
    float* floats() const { return static_cast<float*>(view.buf); }
    const uint8_t* bytes() const { return static_cast<const uint8_t*>(view.buf); }
};

PyObject* py_keep(PyObject*, PyObject* args) {
    PyObject *values, *kept, *out;
    int fast;
    if (!PyArg_ParseTuple(args, "OOOp", &values, &kept, &out, &fast)) return nullptr;
    Array a, b, c;
    if (!a.take(values, false, 4, -1, "values")) return nullptr;
    const Py_ssize_t count = a.view.len / 4;
    if (!b.take(kept, false, 1, count, "kept") || !c.take(out, true, 4, count, "out")) return nullptr;
    Py_BEGIN_ALLOW_THREADS
#if HAS_AVX2_PATH
    if (fast && has_avx2())
        keep_avx2(a.floats(), b.bytes(), c.floats(), count);
    else
#endif
        keep_portable(a.floats(), b.bytes(), c.floats(), count);
    Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

PyObject* py_pull(PyObject*, PyObject* args) {
    PyObject *gradient, *values, *kept, *out;
    float strength;
    int fast;
    if (!PyArg_ParseTuple(args, "OOOfOp", &gradient, &values, &kept, &strength, &out, &fast)) return nullptr;
    Array a, b, c, d;
    if (!a.take(gradient, false, 4, -1, "gradient")) return nullptr;
    const Py_ssize_t count = a.view.len / 4;
    if (!b.take(values, false, 4, count, "values") || !c.take(kept, false, 1, count, "kept") ||
        !d.take(out, true, 4, count, "out"))
        return nullptr;
    Py_BEGIN_ALLOW_THREADS
#if HAS_AVX2_PATH
    if (fast && has_avx2())
        pull_avx2(a.floats(), b.floats(), c.bytes(), strength, d.floats(), count);
    else
#endif
        pull_portable(a.floats(), b.floats(), c.bytes(), strength, d.floats(), count);
    Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"keep", py_keep, METH_VARARGS, "keep(values, kept, out, fast): out = values * kept"},
    {"pull", py_pull, METH_VARARGS,
     "pull(gradient, values, kept, strength, out, fast): out = gradient + strength * values * (1 - kept)"},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {PyModuleDef_HEAD_INIT, "_straight", "The loops of a straight-through step.", -1, methods};

}  // namespace

PyMODINIT_FUNC PyInit__straight() { return PyModule_Create(&module); }
