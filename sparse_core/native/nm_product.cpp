// The product of an N:M matrix with a batch: y = x W^T for W of shape (out, in).
//
// Two stored forms, chosen by the batch when a layer is prepared (inference/backends/nm_native.py):
//
// tiles  For large batches. Inputs are cut into blocks of `block` columns; a row's kept weights of
//        a block are `count` values and byte offsets into the block. x is packed as [in][64], so
//        that one kept weight is one broadcast and eight multiply-adds from first-level cache.
//        Any mask with a fixed number of weights a row and block fits.
// lanes  For small batches, where reading W is what costs. Eight rows lie side by side: the n-th
//        kept weight of a group for eight rows is one vector, and one or a few permutations of
//        the group's inputs pick what each row needs. No gather for M up to 32.
//
// Everything is fp32. Sums run in another order than in a dense product: equal within rounding.

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define HAS_AVX2_PATH 1
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2,fma")))
#else
#define HAS_AVX2_PATH 0
#endif

namespace {

constexpr Py_ssize_t kTile = 64;   // batch columns of a packed tile
constexpr Py_ssize_t kLanes = 8;   // rows side by side
constexpr Py_ssize_t kSlack = 64;  // floats that a group's loads may read past its end

struct Tiles {
    const float* values;    // [blocks][rows][count]
    const uint8_t* offsets; // same
    const float* x;         // [blocks * block][64]
    float* y;               // [rows][64]
    Py_ssize_t rows, first, last, blocks, block, count;
};

struct Lanes {
    const float* values;      // [row_blocks][groups][n][8]
    const uint8_t* positions; // same, each below m
    const float* x;           // [batch][stride], stride >= groups * m + kSlack
    float* y;                 // [batch][rows]
    Py_ssize_t rows, first, last, groups, n, m, batch, stride;
};

void tiles_portable(const Tiles& t) {
    for (Py_ssize_t row = t.first; row < t.last; ++row) std::memset(t.y + row * kTile, 0, kTile * sizeof(float));
    for (Py_ssize_t b = 0; b < t.blocks; ++b) {
        const float* block = t.x + b * t.block * kTile;
        for (Py_ssize_t row = t.first; row < t.last; ++row) {
            const Py_ssize_t at = (b * t.rows + row) * t.count;
            float* y = t.y + row * kTile;
            for (Py_ssize_t i = 0; i < t.count; ++i) {
                const float w = t.values[at + i];
                const float* x = block + static_cast<Py_ssize_t>(t.offsets[at + i]) * kTile;
                for (Py_ssize_t c = 0; c < kTile; ++c) y[c] += w * x[c];
            }
        }
    }
}

void lanes_portable(const Lanes& t) {
    for (Py_ssize_t b = 0; b < t.batch; ++b) {
        for (Py_ssize_t rb = t.first; rb < t.last; ++rb) {
            float sum[kLanes] = {};
            Py_ssize_t at = rb * t.groups * t.n * kLanes;
            for (Py_ssize_t g = 0; g < t.groups; ++g) {
                const float* x = t.x + b * t.stride + g * t.m;
                for (Py_ssize_t i = 0; i < t.n; ++i, at += kLanes)
                    for (Py_ssize_t r = 0; r < kLanes; ++r) sum[r] += t.values[at + r] * x[t.positions[at + r]];
            }
            for (Py_ssize_t r = 0; r < kLanes && rb * kLanes + r < t.rows; ++r) t.y[b * t.rows + rb * kLanes + r] = sum[r];
        }
    }
}

#if HAS_AVX2_PATH
AVX2 void tiles_avx2(const Tiles& t) {
    for (Py_ssize_t b = 0; b < t.blocks; ++b) {
        const float* block = t.x + b * t.block * kTile;
        for (Py_ssize_t row = t.first; row < t.last; ++row) {
            const float* v = t.values + (b * t.rows + row) * t.count;
            const uint8_t* f = t.offsets + (b * t.rows + row) * t.count;
            float* y = t.y + row * kTile;
            __m256 a[8];
            for (int k = 0; k < 8; ++k) a[k] = b ? _mm256_loadu_ps(y + 8 * k) : _mm256_setzero_ps();
            for (Py_ssize_t i = 0; i < t.count; ++i) {
                const __m256 w = _mm256_broadcast_ss(v + i);
                const float* x = block + static_cast<Py_ssize_t>(f[i]) * kTile;
                for (int k = 0; k < 8; ++k) a[k] = _mm256_fmadd_ps(w, _mm256_loadu_ps(x + 8 * k), a[k]);
            }
            for (int k = 0; k < 8; ++k) _mm256_storeu_ps(y + 8 * k, a[k]);
        }
    }
}

// What eight rows need of a group of up to 8 * Parts inputs.
template <int Parts>
AVX2 inline __m256 pick(const __m256* x, __m256i at) {
    if constexpr (Parts == 1) {
        return _mm256_permutevar8x32_ps(x[0], at);
    } else if constexpr (Parts == 2) {
        const __m256 third_bit = _mm256_castsi256_ps(_mm256_slli_epi32(at, 28));
        return _mm256_blendv_ps(_mm256_permutevar8x32_ps(x[0], at), _mm256_permutevar8x32_ps(x[1], at), third_bit);
    } else {
        const __m256 fourth_bit = _mm256_castsi256_ps(_mm256_slli_epi32(at, 27));
        return _mm256_blendv_ps(pick<2>(x, at), pick<2>(x + 2, at), fourth_bit);
    }
}

template <int Parts, int Batch>
AVX2 void lanes_block(const Lanes& t, Py_ssize_t rb, Py_ssize_t b0) {
    __m256 sum[Batch];
    for (int b = 0; b < Batch; ++b) sum[b] = _mm256_setzero_ps();
    const float* v = t.values + rb * t.groups * t.n * kLanes;
    const uint8_t* p = t.positions + rb * t.groups * t.n * kLanes;
    for (Py_ssize_t g = 0; g < t.groups; ++g) {
        for (Py_ssize_t i = 0; i < t.n; ++i, v += kLanes, p += kLanes) {
            const __m256i at = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
            const __m256 w = _mm256_loadu_ps(v);
            for (int b = 0; b < Batch; ++b) {
                const float* x = t.x + (b0 + b) * t.stride + g * t.m;
                __m256 parts[Parts];
                for (int k = 0; k < Parts; ++k) parts[k] = _mm256_loadu_ps(x + 8 * k);
                sum[b] = _mm256_fmadd_ps(w, pick<Parts>(parts, at), sum[b]);
            }
        }
    }
    for (int b = 0; b < Batch; ++b) {
        alignas(32) float out[kLanes];
        _mm256_store_ps(out, sum[b]);
        for (Py_ssize_t r = 0; r < kLanes && rb * kLanes + r < t.rows; ++r) t.y[(b0 + b) * t.rows + rb * kLanes + r] = out[r];
    }
}

// One input row: two sums, because a single one waits for its own multiply-adds.
template <int Parts>
AVX2 void lanes_single(const Lanes& t, Py_ssize_t rb, Py_ssize_t b) {
    __m256 even = _mm256_setzero_ps(), odd = _mm256_setzero_ps();
    const float* v = t.values + rb * t.groups * t.n * kLanes;
    const uint8_t* p = t.positions + rb * t.groups * t.n * kLanes;
    const float* x = t.x + b * t.stride;
    for (Py_ssize_t g = 0; g < t.groups; ++g, x += t.m) {
        __m256 parts[Parts];
        for (int k = 0; k < Parts; ++k) parts[k] = _mm256_loadu_ps(x + 8 * k);
        __m256& sum = (g & 1) ? odd : even;
        for (Py_ssize_t i = 0; i < t.n; ++i, v += kLanes, p += kLanes) {
            const __m256i at = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
            sum = _mm256_fmadd_ps(_mm256_loadu_ps(v), pick<Parts>(parts, at), sum);
        }
    }
    alignas(32) float out[kLanes];
    _mm256_store_ps(out, _mm256_add_ps(even, odd));
    for (Py_ssize_t r = 0; r < kLanes && rb * kLanes + r < t.rows; ++r) t.y[b * t.rows + rb * kLanes + r] = out[r];
}

template <int Parts>
AVX2 void lanes_parts(const Lanes& t) {
    for (Py_ssize_t rb = t.first; rb < t.last; ++rb) {
        Py_ssize_t b = 0;
        for (; b + 8 <= t.batch; b += 8) lanes_block<Parts, 8>(t, rb, b);
        for (; b + 4 <= t.batch; b += 4) lanes_block<Parts, 4>(t, rb, b);
        for (; b < t.batch; ++b) lanes_single<Parts>(t, rb, b);
    }
}

void lanes_avx2(const Lanes& t) {
    if (t.m <= 8) return lanes_parts<1>(t);
    if (t.m <= 16) return lanes_parts<2>(t);
    if (t.m <= 32) return lanes_parts<4>(t);
    lanes_portable(t);
}

bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#else
bool has_avx2() { return false; }
#endif

void run_tiles(Tiles t, bool fast) {
#if HAS_AVX2_PATH
    if (fast) return tiles_avx2(t);
#endif
    (void)fast;
    tiles_portable(t);
}

void run_lanes(Lanes t, bool fast) {
#if HAS_AVX2_PATH
    if (fast) return lanes_avx2(t);
#endif
    (void)fast;
    lanes_portable(t);
}

// ------------------------------------------------------------------------- packing of activations

// x (batch, in) row-major, columns b0 ... b0 + 64 of the batch -> out [in][64], zeros past the end.
void pack_tile(const float* x, Py_ssize_t batch, Py_ssize_t inputs, Py_ssize_t b0, float* out) {
    constexpr Py_ssize_t kStep = 16;  // a cache line of x at a time
    const Py_ssize_t width = batch - b0 < kTile ? batch - b0 : kTile;
    for (Py_ssize_t k0 = 0; k0 < inputs; k0 += kStep) {
        const Py_ssize_t end = k0 + kStep < inputs ? k0 + kStep : inputs;
        for (Py_ssize_t b = 0; b < width; ++b) {
            const float* from = x + (b0 + b) * inputs;
            for (Py_ssize_t k = k0; k < end; ++k) out[k * kTile + b] = from[k];
        }
        for (Py_ssize_t k = k0; k < end; ++k)
            for (Py_ssize_t b = width; b < kTile; ++b) out[k * kTile + b] = 0.0f;
    }
}

// y tile [rows][64] -> out (batch, rows), plus bias.
void unpack_tile(const float* y, const float* bias, Py_ssize_t rows, Py_ssize_t batch, Py_ssize_t b0, float* out) {
    constexpr Py_ssize_t kStep = 16;
    const Py_ssize_t width = batch - b0 < kTile ? batch - b0 : kTile;
    for (Py_ssize_t r0 = 0; r0 < rows; r0 += kStep) {
        const Py_ssize_t end = r0 + kStep < rows ? r0 + kStep : rows;
        for (Py_ssize_t b = 0; b < width; ++b)
            for (Py_ssize_t r = r0; r < end; ++r)
                out[(b0 + b) * rows + r] = y[r * kTile + b] + (bias ? bias[r] : 0.0f);
    }
}

struct Image {
    Py_ssize_t channels, height, width, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w,
        out_h, out_w;
};

// Pixels p0 ... p0 + 64 of one image (channels, height, width) -> out [kernel_h][kernel_w][channels][64].
void image_tile(const float* x, const Image& s, Py_ssize_t p0, float* out) {
    const Py_ssize_t pixels = s.out_h * s.out_w;
    Py_ssize_t top[kTile], left[kTile];
    for (Py_ssize_t p = 0; p < kTile; ++p) {
        const Py_ssize_t at = p0 + p < pixels ? p0 + p : 0;
        top[p] = at / s.out_w * s.stride_h - s.pad_h;
        left[p] = at % s.out_w * s.stride_w - s.pad_w;
    }
    const Py_ssize_t count = pixels - p0 < kTile ? pixels - p0 : kTile;
    for (Py_ssize_t i = 0; i < s.kernel_h; ++i)
        for (Py_ssize_t j = 0; j < s.kernel_w; ++j) {
            // Runs of pixels that lie side by side in the image too: most of an output row at stride 1.
            struct Run {
                Py_ssize_t at, from, length;
            } runs[kTile];
            int count_runs = 0;
            for (Py_ssize_t p = 0; p < count; ++p) {
                const Py_ssize_t h = top[p] + i * s.dilation_h, w = left[p] + j * s.dilation_w;
                if (h < 0 || h >= s.height || w < 0 || w >= s.width) continue;
                const Py_ssize_t from = h * s.width + w;
                Run& last = runs[count_runs ? count_runs - 1 : 0];
                if (count_runs && last.at + last.length == p && last.from + last.length == from)
                    ++last.length;
                else
                    runs[count_runs++] = {p, from, 1};
            }
            for (Py_ssize_t c = 0; c < s.channels; ++c, out += kTile) {
                const float* plane = x + c * s.height * s.width;
                std::memset(out, 0, kTile * sizeof(float));
                for (int r = 0; r < count_runs; ++r)
                    std::memcpy(out + runs[r].at, plane + runs[r].from, runs[r].length * sizeof(float));
            }
        }
}

// ------------------------------------------------------------------------- Python

// A contiguous buffer of items of one size; raises and stays empty when it is anything else.
struct Buffer {
    Py_buffer view{};
    bool held = false;
    bool take(PyObject* object, Py_ssize_t itemsize, bool writable, const char* name) {
        const int flags = PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(object, &view, flags) != 0) return false;
        held = true;
        if (view.itemsize == itemsize) return true;
        PyErr_Format(PyExc_ValueError, "%s: items of %zd bytes, not %zd", name, view.itemsize, itemsize);
        return false;
    }
    bool holds(Py_ssize_t items, const char* name) const {
        if (items >= 0 && view.len / view.itemsize >= items) return true;
        PyErr_Format(PyExc_ValueError, "%s: %zd items, %zd needed", name, view.len / view.itemsize, items);
        return false;
    }
    float* floats() const { return static_cast<float*>(view.buf); }
    const uint8_t* bytes() const { return static_cast<const uint8_t*>(view.buf); }
    ~Buffer() {
        if (held) PyBuffer_Release(&view);
    }
};

bool positive(std::initializer_list<Py_ssize_t> sizes) {
    for (Py_ssize_t size : sizes)
        if (size < 0 || size > (Py_ssize_t(1) << 31)) {
            PyErr_SetString(PyExc_ValueError, "a size is negative or beyond 2^31");
            return false;
        }
    return true;
}

bool in_range(Py_ssize_t first, Py_ssize_t last, Py_ssize_t end) {
    if (0 <= first && first <= last && last <= end) return true;
    PyErr_SetString(PyExc_ValueError, "rows out of range");
    return false;
}

PyObject* py_tiles(PyObject*, PyObject* args) {
    PyObject *values, *offsets, *x, *y;
    Tiles t{};
    int fast;
    if (!PyArg_ParseTuple(args, "OOOOnnnnnnp", &values, &offsets, &x, &y, &t.rows, &t.first, &t.last, &t.blocks,
                          &t.block, &t.count, &fast))
        return nullptr;
    Buffer bv, bo, bx, by;
    const bool ok = positive({t.rows, t.blocks, t.block, t.count}) && in_range(t.first, t.last, t.rows) &&
                    bv.take(values, 4, false, "values") && bo.take(offsets, 1, false, "offsets") &&
                    bx.take(x, 4, false, "x") && by.take(y, 4, true, "y") &&
                    bv.holds(t.blocks * t.rows * t.count, "values") && bo.holds(t.blocks * t.rows * t.count, "offsets") &&
                    // An offset is a byte: with 256 rows behind the last block no value of it can leave x.
                    bx.holds((t.blocks * t.block + 256) * kTile, "x") && by.holds(t.rows * kTile, "y");
    if (!ok) return nullptr;
    t.values = bv.floats(), t.offsets = bo.bytes(), t.x = bx.floats(), t.y = by.floats();
    Py_BEGIN_ALLOW_THREADS run_tiles(t, fast && has_avx2());
    Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

PyObject* py_lanes(PyObject*, PyObject* args) {
    PyObject *values, *positions, *x, *y;
    Lanes t{};
    int fast;
    if (!PyArg_ParseTuple(args, "OOOOnnnnnnnnp", &values, &positions, &x, &y, &t.rows, &t.first, &t.last, &t.groups,
                          &t.n, &t.m, &t.batch, &t.stride, &fast))
        return nullptr;
    const Py_ssize_t row_blocks = (t.rows + kLanes - 1) / kLanes;
    Buffer bv, bp, bx, by;
    const bool ok = positive({t.rows, t.groups, t.n, t.m, t.batch, t.stride}) && in_range(t.first, t.last, row_blocks) &&
                    bv.take(values, 4, false, "values") && bp.take(positions, 1, false, "positions") &&
                    bx.take(x, 4, false, "x") && by.take(y, 4, true, "y") &&
                    bv.holds(row_blocks * t.groups * t.n * kLanes, "values") &&
                    bp.holds(row_blocks * t.groups * t.n * kLanes, "positions") && bx.holds(t.batch * t.stride, "x") &&
                    by.holds(t.batch * t.rows, "y");
    if (!ok) return nullptr;
    // A position is a byte: with 256 floats behind the last group no value of it can leave a row of x.
    if (t.m > 64 || t.stride < t.groups * t.m + 256) {
        PyErr_SetString(PyExc_ValueError, "x: rows need 256 floats behind their last group");
        return nullptr;
    }
    t.values = bv.floats(), t.positions = bp.bytes(), t.x = bx.floats(), t.y = by.floats();
    Py_BEGIN_ALLOW_THREADS run_lanes(t, fast && has_avx2());
    Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

PyObject* py_pack_tile(PyObject*, PyObject* args) {
    PyObject *x, *out;
    Py_ssize_t batch, inputs, b0;
    if (!PyArg_ParseTuple(args, "OOnnn", &x, &out, &batch, &inputs, &b0)) return nullptr;
    Buffer bx, bo;
    const bool ok = positive({batch, inputs, b0}) && in_range(b0, batch, batch) && bx.take(x, 4, false, "x") &&
                    bo.take(out, 4, true, "out") && bx.holds(batch * inputs, "x") && bo.holds(inputs * kTile, "out");
    if (!ok) return nullptr;
    Py_BEGIN_ALLOW_THREADS pack_tile(bx.floats(), batch, inputs, b0, bo.floats());
    Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

PyObject* py_unpack_tile(PyObject*, PyObject* args) {
    PyObject *y, *bias, *out;
    Py_ssize_t rows, batch, b0;
    if (!PyArg_ParseTuple(args, "OOOnnn", &y, &bias, &out, &rows, &batch, &b0)) return nullptr;
    Buffer by, bb, bo;
    bool ok = positive({rows, batch, b0}) && in_range(b0, batch, batch) && by.take(y, 4, false, "y") &&
              bo.take(out, 4, true, "out") && by.holds(rows * kTile, "y") && bo.holds(batch * rows, "out");
    if (ok && bias != Py_None) ok = bb.take(bias, 4, false, "bias") && bb.holds(rows, "bias");
    if (!ok) return nullptr;
    const float* add = bias == Py_None ? nullptr : bb.floats();
    Py_BEGIN_ALLOW_THREADS unpack_tile(by.floats(), add, rows, batch, b0, bo.floats());
    Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

PyObject* py_image_tile(PyObject*, PyObject* args) {
    PyObject *x, *out;
    Image s{};
    Py_ssize_t p0;
    if (!PyArg_ParseTuple(args, "OO(nnnnnnnnnnnnn)n", &x, &out, &s.channels, &s.height, &s.width, &s.kernel_h,
                          &s.kernel_w, &s.stride_h, &s.stride_w, &s.pad_h, &s.pad_w, &s.dilation_h, &s.dilation_w,
                          &s.out_h, &s.out_w, &p0))
        return nullptr;
    Buffer bx, bo;
    const bool ok = positive({s.channels, s.height, s.width, s.kernel_h, s.kernel_w, s.stride_h, s.stride_w, s.pad_h,
                              s.pad_w, s.dilation_h, s.dilation_w, s.out_h, s.out_w}) &&
                    in_range(p0, s.out_h * s.out_w, s.out_h * s.out_w) && bx.take(x, 4, false, "x") &&
                    bo.take(out, 4, true, "out") && bx.holds(s.channels * s.height * s.width, "x") &&
                    bo.holds(s.kernel_h * s.kernel_w * s.channels * kTile, "out");
    if (!ok) return nullptr;
    Py_BEGIN_ALLOW_THREADS image_tile(bx.floats(), s, p0, bo.floats());
    Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

PyObject* py_has_avx2(PyObject*, PyObject*) { return PyBool_FromLong(has_avx2()); }

PyMethodDef methods[] = {
    {"tiles", py_tiles, METH_VARARGS, "tiles(values, offsets, x, y, rows, first, last, blocks, block, count, fast)"},
    {"lanes", py_lanes, METH_VARARGS,
     "lanes(values, positions, x, y, rows, first, last, groups, n, m, batch, stride, fast)"},
    {"pack_tile", py_pack_tile, METH_VARARGS, "pack_tile(x, out, batch, inputs, b0)"},
    {"unpack_tile", py_unpack_tile, METH_VARARGS, "unpack_tile(y, bias, out, rows, batch, b0)"},
    {"image_tile", py_image_tile, METH_VARARGS, "image_tile(x, out, shape, p0)"},
    {"has_avx2", py_has_avx2, METH_NOARGS, "whether the fast path runs here"},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {PyModuleDef_HEAD_INIT, "_product", "Products of N:M matrices with a batch.", -1, methods};

}  // namespace

PyMODINIT_FUNC PyInit__product() { return PyModule_Create(&module); }
