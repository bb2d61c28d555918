// The loops of a straight-through step over a whole weight, each one pass through memory:
//
// keep   out = value * kept                       forward: the projected weight
// drop   kept = the n largest of every 4, and out = value * kept
// pull   out = gradient + s * value * (1 - kept)   backward: SR-STE's pull on the pruned weights
//
// Products and sums are rounded one by one, as torch rounds them operation by operation: the same
// bits, in less than half of the time that the separate passes take.

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#include <immintrin.h>
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

// Magnitude bits order magnitudes; one rank for every NaN, above infinity. Of equal ones the later is kept.
constexpr uint32_t MAGNITUDE = 0x7fffffff, NAN_RANK = 0x7f800001;

// Groups of 4 one behind the other.
void drop_portable(const float* RESTRICT values, int n, uint8_t* RESTRICT kept, float* RESTRICT out,
                   Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i += 4) {
        uint32_t rank[4];
        std::memcpy(rank, values + i, sizeof rank);
        for (uint32_t& one : rank) one = (one & MAGNITUDE) < NAN_RANK ? one & MAGNITUDE : NAN_RANK;
        for (int j = 0; j < 4; ++j) {
            int beaten = 0;
            for (int k = 0; k < 4; ++k) beaten += k < j ? rank[k] > rank[j] : k > j && rank[k] >= rank[j];
            kept[i + j] = beaten < n;
            out[i + j] = values[i + j] * float(kept[i + j]);
        }
    }
}

#if HAS_AVX2_PATH
// Two groups: all ones where a member is kept. `later` is -1 where the other member of a turn comes later.
AVX2 inline __m256i two_groups(__m256 values, __m256i least) {
    const __m256i bits = _mm256_and_si256(_mm256_castps_si256(values), _mm256_set1_epi32(int(MAGNITUDE)));
    const __m256i rank = _mm256_min_epu32(bits, _mm256_set1_epi32(int(NAN_RANK)));
    const __m256i later[3] = {_mm256_setr_epi32(-1, -1, -1, 0, -1, -1, -1, 0),
                              _mm256_setr_epi32(-1, -1, 0, 0, -1, -1, 0, 0),
                              _mm256_setr_epi32(-1, 0, 0, 0, -1, 0, 0, 0)};
    // Every one that is beaten adds -1.
    __m256i beaten = _mm256_cmpgt_epi32(_mm256_shuffle_epi32(rank, 0x39), _mm256_add_epi32(rank, later[0]));
    beaten = _mm256_add_epi32(
        beaten, _mm256_cmpgt_epi32(_mm256_shuffle_epi32(rank, 0x4e), _mm256_add_epi32(rank, later[1])));
    beaten = _mm256_add_epi32(
        beaten, _mm256_cmpgt_epi32(_mm256_shuffle_epi32(rank, 0x93), _mm256_add_epi32(rank, later[2])));
    return _mm256_cmpgt_epi32(beaten, least);
}

AVX2 void drop_avx2(const float* RESTRICT values, int n, uint8_t* RESTRICT kept, float* RESTRICT out,
                    Py_ssize_t count) {
    const __m256i least = _mm256_set1_epi32(-n);
    const __m256 one = _mm256_set1_ps(1.0f);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    Py_ssize_t i = 0;
    for (; i + 32 <= count; i += 32) {
        __m256i held[4];
        for (int v = 0; v < 4; ++v) {
            const __m256 raw = _mm256_loadu_ps(values + i + 8 * v);
            held[v] = two_groups(raw, least);
            const __m256 factor = _mm256_and_ps(_mm256_castsi256_ps(held[v]), one);
            _mm256_storeu_ps(out + i + 8 * v, _mm256_mul_ps(raw, factor));
        }
        const __m256i words = _mm256_packs_epi16(_mm256_packs_epi32(held[0], held[1]),
                                                 _mm256_packs_epi32(held[2], held[3]));
        const __m256i bytes = _mm256_permutevar8x32_epi32(words, order);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(kept + i), _mm256_and_si256(bytes, _mm256_set1_epi8(1)));
    }
    drop_portable(values + i, n, kept + i, out + i, count - i);
}
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

PyObject* py_drop(PyObject*, PyObject* args) {
    PyObject *values, *kept, *out;
    int n, fast;
    if (!PyArg_ParseTuple(args, "OiOOp", &values, &n, &kept, &out, &fast)) return nullptr;
    Array a, b, c;
    if (!a.take(values, false, 4, -1, "values")) return nullptr;
    const Py_ssize_t count = a.view.len / 4;
    if (count % 4) return PyErr_Format(PyExc_ValueError, "values: %zd are no whole groups of 4", count);
    if (!b.take(kept, true, 1, count, "kept") || !c.take(out, true, 4, count, "out")) return nullptr;
    uint8_t* const marks = static_cast<uint8_t*>(b.view.buf);
    Py_BEGIN_ALLOW_THREADS
#if HAS_AVX2_PATH
    if (fast && has_avx2())
        drop_avx2(a.floats(), n, marks, c.floats(), count);
    else
#endif
        drop_portable(a.floats(), n, marks, c.floats(), count);
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
    {"drop", py_drop, METH_VARARGS,
     "drop(values, n, kept, out, fast): keep the n largest of every 4, and out = values * kept"},
    {"pull", py_pull, METH_VARARGS,
     "pull(gradient, values, kept, strength, out, fast): out = gradient + strength * values * (1 - kept)"},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {PyModuleDef_HEAD_INIT, "_straight", "The loops of a straight-through step.", -1, methods};

}  // namespace

PyMODINIT_FUNC PyInit__straight() { return PyModule_Create(&module); }
