// The kernels of kernels.py in C++: the loops that touch every weight.
//
// Two paths of the same source, chosen at run time: plain C++ for any machine, and the same code
// compiled for AVX2 with a few hand-written inner loops. Both give the bits of the numpy twins
// (twins.py). Sums are therefore added in a fixed order and never contracted (-ffp-contract=off).
//
// Every length is checked before the first access; elements may lie at any address, so they are
// loaded with memcpy. The GIL is released while a kernel runs.

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_AVX2 1
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2,f16c,popcnt,bmi,bmi2")))
#else
#define HAVE_AVX2 0
#define AVX2
#endif

// -O2 leaves short loops as they are, and -O3 unrolls far too much: the hot ones are marked.
#if defined(__GNUC__)
#define INLINE inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#else
#define INLINE inline
#define UNROLL
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "words and elements are little-endian; the numpy twins serve other machines"
#endif

namespace {

using std::int64_t;
using std::uint16_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;
using std::size_t;

constexpr size_t BLOCK = 128;
constexpr int FLOAT32 = 0, BFLOAT16 = 1, FLOAT16 = 2;

template <class T> INLINE T load(const T *at) {
    T value;
    std::memcpy(&value, at, sizeof(T));
    return value;
}

INLINE size_t words_a_row(size_t columns) { return columns / 64 + (columns % 64 != 0); }

// The path is a type: HW says that popcnt may be used, WIDTH how many bytes a vector has.
template <bool HW> INLINE unsigned popcount(uint64_t x) {
#if HAVE_AVX2
    if (HW) return unsigned(__builtin_popcountll(x));
#endif
    x -= (x >> 1) & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return unsigned((x * 0x0101010101010101u) >> 56);
}

// ------------------------------------------------------------------------------ pack and unpack

// Eight bytes of 0 or 1 become eight bits; eight bits become eight bytes.
INLINE uint64_t squeeze(uint64_t bytes) { return (bytes * 0x0102040810204080u) >> 56; }

INLINE uint64_t spread(uint64_t byte) {
    const uint64_t low = (byte & 0x7f) * 0x0002040810204081u;
    return (low & 0x0101010101010101u) | ((byte >> 7) << 56);
}

INLINE uint64_t squeeze64(const uint8_t *flags) {
    uint64_t word = 0;
    for (int i = 0; i < 8; i++) {
        uint64_t bytes;
        std::memcpy(&bytes, flags + 8 * i, 8);
        word |= squeeze(bytes) << (8 * i);
    }
    return word;
}

template <class T> struct Rank;
template <> struct Rank<uint8_t> { typedef int8_t Signed; };
template <> struct Rank<uint16_t> { typedef int16_t Signed; };
template <> struct Rank<uint32_t> { typedef int32_t Signed; };
template <> struct Rank<uint64_t> { typedef int64_t Signed; };

// Signed numbers compare as the unsigned ranks do once the top bit is flipped.
template <class T>
INLINE typename Rank<T>::Signed rank_of(const T *at, T mask, T ceiling, T flip) {
    return typename Rank<T>::Signed(std::min(T(load(at) & mask), ceiling) ^ flip);
}

// Groups that lie one after the other are laid side by side, and their verdicts back again.
template <class T, class S, size_t LANES>
INLINE void spread_plain(const T *bits, size_t m, T mask, T ceiling, T flip, S (*ranks)[LANES]) {
    for (size_t k = 0; k < LANES; k++)
        for (size_t i = 0; i < m; i++)
            ranks[i][k] = rank_of<T>(bits + k * m + i, mask, ceiling, flip);
}

template <class S, size_t LANES>
INLINE void gather_plain(const S (*beaten)[LANES], size_t m, S bound, uint8_t *out) {
    for (size_t k = 0; k < LANES; k++)
        for (size_t i = 0; i < m; i++) out[k * m + i] = beaten[i][k] < bound;
}

struct Plain {
    static constexpr bool HW = false;
    static constexpr size_t WIDTH = 16;
    template <class T> static INLINE uint64_t flags64(const T *bits, T mask) {
        uint8_t flags[64];
        for (int i = 0; i < 64; i++) flags[i] = T(load(bits + i) & mask) != 0;
        return squeeze64(flags);
    }
    template <class T, class S, size_t LANES>
    static INLINE void spread_members(const T *bits, size_t m, T mask, T ceiling, T flip,
                                      S (*ranks)[LANES]) {
        spread_plain(bits, m, mask, ceiling, flip, ranks);
    }
    template <class S, size_t LANES>
    static INLINE void gather_members(const S (*beaten)[LANES], size_t m, S bound, uint8_t *out) {
        gather_plain(beaten, m, bound, out);
    }
    template <class T>
    static INLINE bool project_rows(const T *, T, T, size_t, size_t, size_t, size_t, uint8_t *) {
        return false;
    }
};

#if HAVE_AVX2
AVX2 inline __m256i read(const void *at) {
    return _mm256_loadu_si256(static_cast<const __m256i *>(at));
}

AVX2 inline uint64_t zeros64(const uint8_t *bits, uint8_t mask) {
    const __m256i keep = _mm256_set1_epi8(char(mask)), none = _mm256_setzero_si256();
    const __m256i a = _mm256_cmpeq_epi8(_mm256_and_si256(read(bits), keep), none);
    const __m256i b = _mm256_cmpeq_epi8(_mm256_and_si256(read(bits + 32), keep), none);
    return uint64_t(uint32_t(_mm256_movemask_epi8(a))) |
           uint64_t(uint32_t(_mm256_movemask_epi8(b))) << 32;
}

// Two vectors of 16-bit truths become 32 bits; packing works in halves, hence the permutation.
AVX2 inline uint64_t truths32(__m256i a, __m256i b) {
    const __m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xd8);
    return uint32_t(_mm256_movemask_epi8(both));
}

AVX2 inline uint64_t zeros64(const uint16_t *bits, uint16_t mask) {
    const __m256i keep = _mm256_set1_epi16(short(mask)), none = _mm256_setzero_si256();
    uint64_t word = 0;
    UNROLL for (int i = 0; i < 2; i++) {
        const __m256i a = _mm256_and_si256(read(bits + 32 * i), keep);
        const __m256i b = _mm256_and_si256(read(bits + 32 * i + 16), keep);
        word |= truths32(_mm256_cmpeq_epi16(a, none), _mm256_cmpeq_epi16(b, none)) << (32 * i);
    }
    return word;
}

AVX2 inline uint64_t zeros64(const uint32_t *bits, uint32_t mask) {
    const __m256i keep = _mm256_set1_epi32(int(mask)), none = _mm256_setzero_si256();
    uint64_t word = 0;
    UNROLL for (int i = 0; i < 8; i++) {
        const __m256i zero = _mm256_cmpeq_epi32(_mm256_and_si256(read(bits + 8 * i), keep), none);
        word |= uint64_t(uint32_t(_mm256_movemask_ps(_mm256_castsi256_ps(zero)))) << (8 * i);
    }
    return word;
}

AVX2 inline uint64_t zeros64(const uint64_t *bits, uint64_t mask) {
    const __m256i keep = _mm256_set1_epi64x(int64_t(mask)), none = _mm256_setzero_si256();
    uint64_t word = 0;
    for (int i = 0; i < 16; i++) {
        const __m256i zero = _mm256_cmpeq_epi64(_mm256_and_si256(read(bits + 4 * i), keep), none);
        word |= uint64_t(uint32_t(_mm256_movemask_pd(_mm256_castsi256_pd(zero)))) << (4 * i);
    }
    return word;
}

AVX2 inline void transpose(__m256i *rows) {
    __m256 *r = reinterpret_cast<__m256 *>(rows), a[8], b[8];
    UNROLL for (int i = 0; i < 8; i += 2) {
        a[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        a[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    UNROLL for (int i = 0; i < 8; i += 4) {
        b[i] = _mm256_shuffle_ps(a[i], a[i + 2], 0x44);
        b[i + 1] = _mm256_shuffle_ps(a[i], a[i + 2], 0xee);
        b[i + 2] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0x44);
        b[i + 3] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0xee);
    }
    UNROLL for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x20);
        r[i + 4] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x31);
    }
}

// Four vectors of 32-bit truths, in order, become 32 bytes of 0 or 1.
AVX2 inline __m256i truths8(const __m256i *truths) {
    const __m256i a = _mm256_packs_epi32(truths[0], truths[1]);
    const __m256i b = _mm256_packs_epi32(truths[2], truths[3]);
    const __m256i mixed = _mm256_packs_epi16(a, b);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return _mm256_and_si256(_mm256_permutevar8x32_epi32(mixed, order), _mm256_set1_epi8(1));
}

AVX2 inline void spread_eights(const uint32_t *bits, size_t m, uint32_t mask, uint32_t ceiling,
                               uint32_t flip, int32_t (*ranks)[8]) {
    const __m256i keep = _mm256_set1_epi32(int(mask)), top = _mm256_set1_epi32(int(ceiling));
    const __m256i turn = _mm256_set1_epi32(int(flip));
    for (size_t i = 0; i < m; i += 8) {
        __m256i rows[8];
        UNROLL for (size_t k = 0; k < 8; k++) {
            const __m256i size_bits = _mm256_and_si256(read(bits + k * m + i), keep);
            rows[k] = _mm256_xor_si256(_mm256_min_epu32(size_bits, top), turn);
        }
        transpose(rows);
        UNROLL for (size_t k = 0; k < 8; k++)
            _mm256_store_si256(reinterpret_cast<__m256i *>(ranks[i + k]), rows[k]);
    }
}

AVX2 inline void gather_eights(const int32_t (*beaten)[8], size_t m, int32_t bound, uint8_t *out) {
    const __m256i limit = _mm256_set1_epi32(bound);
    for (size_t i = 0; i < m; i += 8) {
        __m256i rows[8];
        UNROLL for (size_t k = 0; k < 8; k++)
            rows[k] = _mm256_cmpgt_epi32(limit, read(beaten[i + k]));
        transpose(rows);
        UNROLL for (size_t k = 0; k < 8; k += 4) {
            uint8_t bytes[32];
            _mm256_storeu_si256(reinterpret_cast<__m256i *>(bytes), truths8(rows + k));
            for (size_t j = 0; j < 4; j++) std::memcpy(out + (k + j) * m + i, bytes + 8 * j, 8);
        }
    }
}

// For groups that fit a vector: every member is compared with the others by turning the group.
// A later member wins a tie, so it need only exceed the rank less one.
template <class T> struct Turns {
    __m256i from[7], later[7];

    AVX2 explicit Turns(size_t m) {
        for (size_t turn = 1; turn < m; turn++) {
            alignas(32) uint8_t place[32];
            alignas(32) T less[32 / sizeof(T)];
            for (size_t e = 0; e < 32 / sizeof(T); e++) {
                const size_t other = e - e % m + (e % m + turn) % m;
                less[e] = e % m + turn < m ? T(~T(0)) : T(0);
                for (size_t b = 0; b < sizeof(T); b++)
                    place[e * sizeof(T) + b] = uint8_t((other * sizeof(T) + b) % 16);
            }
            from[turn - 1] = read(place);
            later[turn - 1] = read(less);
        }
    }
};

AVX2 inline __m256i larger(uint32_t, __m256i a, __m256i b) { return _mm256_cmpgt_epi32(a, b); }
AVX2 inline __m256i larger(uint16_t, __m256i a, __m256i b) { return _mm256_cmpgt_epi16(a, b); }
AVX2 inline __m256i sum(uint32_t, __m256i a, __m256i b) { return _mm256_add_epi32(a, b); }
AVX2 inline __m256i sum(uint16_t, __m256i a, __m256i b) { return _mm256_add_epi16(a, b); }
AVX2 inline __m256i less(uint32_t, __m256i a, __m256i b) { return _mm256_min_epi32(a, b); }
AVX2 inline __m256i less(uint16_t, __m256i a, __m256i b) { return _mm256_min_epi16(a, b); }
AVX2 inline __m256i fill(uint32_t value) { return _mm256_set1_epi32(int(value)); }
AVX2 inline __m256i fill(uint16_t value) { return _mm256_set1_epi16(short(value)); }
AVX2 inline __m256i bytes32(uint32_t, const __m256i *kept) { return truths8(kept); }
AVX2 inline __m256i bytes32(uint16_t, const __m256i *kept) {
    const __m256i mixed = _mm256_permute4x64_epi64(_mm256_packs_epi16(kept[0], kept[1]), 0xd8);
    return _mm256_and_si256(mixed, _mm256_set1_epi8(1));
}

// Judges 32 elements: whole groups of M.
template <class T, size_t M>
AVX2 inline void turn32(const T *bits, const Turns<T> &turns, __m256i keep, __m256i top,
                        __m256i bound, uint8_t *out) {
    __m256i kept[sizeof(T)];
    UNROLL for (size_t v = 0; v < sizeof(T); v++) {
        const __m256i raw = read(bits + v * (32 / sizeof(T)));
        const __m256i mine = less(T(), _mm256_and_si256(raw, keep), top);
        __m256i beaten = _mm256_setzero_si256();
        UNROLL for (size_t turn = 0; turn + 1 < M; turn++) {
            const __m256i other = _mm256_shuffle_epi8(mine, turns.from[turn]);
            const __m256i rank = sum(T(), mine, turns.later[turn]);
            beaten = sum(T(), beaten, larger(T(), other, rank));
        }
        kept[v] = larger(T(), sum(T(), beaten, bound), _mm256_setzero_si256());
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(out), bytes32(T(), kept));
}

template <class T, size_t M>
AVX2 void project_turning(const T *bits, T mask, T ceiling, size_t rows, size_t length, size_t n,
                          uint8_t *out) {
    const Turns<T> turns(M);
    const __m256i keep = fill(mask), top = fill(ceiling), bound = fill(T(n));
    const size_t used = length / M * M;
    for (size_t row = 0; row < rows; row++, bits += length, out += length) {
        size_t at = 0;
        for (; at + 32 <= used; at += 32)
            turn32<T, M>(bits + at, turns, keep, top, bound, out + at);
        if (at < used) {
            T rest[32] = {};
            uint8_t kept[32];
            std::memcpy(rest, bits + at, (used - at) * sizeof(T));
            turn32<T, M>(rest, turns, keep, top, bound, kept);
            std::memcpy(out + at, kept, used - at);
        }
    }
}

struct Vector {
    static constexpr bool HW = true;
    static constexpr size_t WIDTH = 32;
    template <class T> AVX2 static inline uint64_t flags64(const T *bits, T mask) {
        return ~zeros64(bits, mask);
    }
    template <class T, class S, size_t LANES>
    static INLINE void spread_members(const T *bits, size_t m, T mask, T ceiling, T flip,
                                      S (*ranks)[LANES]) {
        if constexpr (sizeof(T) == 4)
            if (m % 8 == 0) return spread_eights(bits, m, mask, ceiling, flip, ranks);
        spread_plain(bits, m, mask, ceiling, flip, ranks);
    }
    template <class S, size_t LANES>
    static INLINE void gather_members(const S (*beaten)[LANES], size_t m, S bound, uint8_t *out) {
        if constexpr (sizeof(S) == 4)
            if (m % 8 == 0) return gather_eights(beaten, m, bound, out);
        gather_plain(beaten, m, bound, out);
    }
    // Groups along rows that fit 16 bytes, with ranks that are not negative as signed numbers.
    template <class T>
    static INLINE bool project_rows(const T *bits, T mask, T ceiling, size_t rows, size_t length,
                                    size_t n, size_t m, uint8_t *out) {
        if constexpr (sizeof(T) == 2 || sizeof(T) == 4) {
            if (mask >> (8 * sizeof(T) - 1) || ceiling >> (8 * sizeof(T) - 1)) return false;
            if (m == 4) {
                project_turning<T, 4>(bits, mask, ceiling, rows, length, n, out);
                return true;
            }
            if (m == 8 && sizeof(T) == 2) {
                project_turning<T, 8>(bits, mask, ceiling, rows, length, n, out);
                return true;
            }
        }
        return false;
    }
};
#endif

template <class Path, class T>
INLINE void pack(const T *bits, T mask, size_t rows, size_t columns, uint64_t *out) {
    const size_t whole = columns / 64, rest = columns % 64;
    for (size_t row = 0; row < rows; row++) {
        for (size_t w = 0; w < whole; w++, bits += 64) *out++ = Path::flags64(bits, mask);
        if (rest) {
            T tail[64] = {};
            std::memcpy(tail, bits, rest * sizeof(T));
            *out++ = Path::flags64(tail, mask);
            bits += rest;
        }
    }
}

INLINE void unpack_row(const uint64_t *words, size_t columns, uint8_t *out) {
    size_t column = 0;
    for (; column + 8 <= columns; column += 8) {
        const uint64_t bytes = spread((words[column / 64] >> (column % 64)) & 0xff);
        std::memcpy(out + column, &bytes, 8);
    }
    for (; column < columns; column++)
        out[column] = uint8_t((words[column / 64] >> (column % 64)) & 1);
}

INLINE void unpack(const uint64_t *words, size_t rows, size_t columns, uint8_t *out) {
    for (size_t row = 0; row < rows; row++, words += words_a_row(columns), out += columns)
        unpack_row(words, columns, out);
}

template <class Path>
INLINE void regroup(const uint64_t *words, size_t rows, size_t columns, size_t length,
                    size_t inner, uint64_t *out, uint8_t *row_bytes) {
    const size_t outer = columns / (length * inner);
    for (size_t row = 0; row < rows; row++, words += words_a_row(columns)) {
        unpack_row(words, columns, row_bytes);
        for (size_t o = 0; o < outer; o++)
            for (size_t lane = 0; lane < inner; lane++) {
                const uint8_t *from = row_bytes + o * length * inner + lane;
                for (size_t start = 0; start < length; start += 64) {
                    const size_t count = std::min<size_t>(64, length - start);
                    uint8_t flags[64];
                    for (size_t i = 0; i < count; i++) flags[i] = from[(start + i) * inner];
                    for (size_t i = count; i < 64; i++) flags[i] = 0;
                    *out++ = Path::flags64(flags, uint8_t(1));
                }
            }
    }
}

// ------------------------------------------------------------------------------ groups of bits

// The bits [at, at + count) of a row, count <= 64.
INLINE uint64_t extract(const uint64_t *words, size_t at, size_t count) {
    const size_t word = at / 64, shift = at % 64;
    uint64_t bits = words[word] >> shift;
    if (shift + count > 64) bits |= words[word + 1] << (64 - shift);
    return count == 64 ? bits : bits & ((uint64_t(1) << count) - 1);
}

template <class Path>
INLINE void row_group_counts(const uint64_t *words, size_t rows, size_t columns, size_t m,
                             uint8_t *out) {
    const size_t groups = columns / m;
    for (size_t row = 0; row < rows; row++, words += words_a_row(columns))
        for (size_t g = 0; g < groups; g++)
            *out++ = uint8_t(popcount<Path::HW>(extract(words, g * m, m)));
}

// Byte values are counted in eight tables in turn: the next byte then never waits for the last.
struct ByteTables {
    uint32_t seen[8][256] = {};
    size_t words = 0;
    int64_t total[256] = {};

    INLINE void add(uint64_t word) {
        for (int i = 0; i < 8; i++) seen[i][(word >> (8 * i)) & 0xff]++;
        if (++words == (size_t(1) << 31)) flush();
    }
    void flush() {
        for (auto &table : seen)
            for (int v = 0; v < 256; v++) total[v] += table[v], table[v] = 0;
        words = 0;
    }
};

// Groups of 1, 2, 4 or 8 from a histogram of bytes.
template <class Path>
INLINE void small_row_histogram(const uint64_t *words, size_t rows, size_t columns, size_t m,
                                int64_t *out) {
    ByteTables tables;
    const size_t width = words_a_row(columns), used = columns / m * m;
    for (size_t row = 0; row < rows; row++, words += width) {
        for (size_t w = 0; w < used / 64; w++) tables.add(words[w]);
        if (used % 64) tables.add(words[used / 64] & ((uint64_t(1) << (used % 64)) - 1));
    }
    tables.flush();
    for (unsigned value = 0; value < 256; value++)
        for (size_t shift = 0; shift < 8; shift += m)
            out[popcount<Path::HW>((value >> shift) & ((1u << m) - 1))] += tables.total[value];
    out[0] -= int64_t(rows * (words_a_row(used) * 64 / m - columns / m));
}

template <class Path>
INLINE void row_histogram_plain(const uint64_t *words, size_t rows, size_t columns, size_t m,
                                int64_t *out) {
    if (8 % m == 0) return small_row_histogram<Path>(words, rows, columns, m, out);
    const size_t groups = columns / m;
    int64_t seen[2][65] = {};
    for (size_t row = 0; row < rows; row++, words += words_a_row(columns))
        for (size_t g = 0; g < groups; g++)
            seen[g % 2][popcount<Path::HW>(extract(words, g * m, m))]++;
    for (size_t k = 0; k <= m; k++) out[k] += seen[0][k] + seen[1][k];
}

#if HAVE_AVX2
// Counts how many bytes of `count` vectors (at most 255) are 0, 1, ... m; four numbers a turn,
// whose counts and constants stay in registers.
AVX2 inline void count_values(const __m256i *vectors, size_t count, size_t m, int64_t *out) {
    int64_t others = int64_t(32 * count);
    for (size_t first = 0; first < m; first += 4) {
        __m256i seen[4];
        for (auto &lanes : seen) lanes = _mm256_setzero_si256();
        for (size_t i = 0; i < count; i++)
            UNROLL for (int k = 0; k < 4; k++) {
                const __m256i number = _mm256_set1_epi8(char(first + size_t(k)));
                seen[k] = _mm256_sub_epi8(seen[k], _mm256_cmpeq_epi8(vectors[i], number));
            }
        for (size_t k = 0; k < 4; k++) {
            const __m256i sums = _mm256_sad_epu8(seen[k], _mm256_setzero_si256());
            const __m128i two =
                _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
            const int64_t total = _mm_cvtsi128_si64(two) + _mm_extract_epi64(two, 1);
            out[first + k] += total;
            others -= total;
        }
    }
    out[m] += others;
}

constexpr size_t STAGE = 256;

// The groups of m = 4, 8, 16 or 32 of STAGE words.
AVX2 void staged_histogram(const uint64_t *words, size_t m, int64_t *out) {
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                                           2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i nibble = _mm256_set1_epi8(15), one8 = _mm256_set1_epi8(1);
    const __m256i one16 = _mm256_set1_epi16(1);
    __m256i counts[STAGE / 2];
    size_t size = 0;
    for (size_t i = 0; i < STAGE; i += 4) {
        const __m256i v = read(words + i);
        const __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(v, nibble));
        const __m256i high =
            _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble));
        if (m == 4) {
            counts[size++] = low;
            counts[size++] = high;
        } else {
            counts[size++] = _mm256_add_epi8(low, high);
        }
    }
    // Neighbours are added, and the shorter numbers packed again to one byte each. Their order
    // is lost, which a histogram does not mind.
    for (size_t wide = 16; wide <= m; wide *= 2, size /= 2)
        for (size_t i = 0; i < size; i += 2) {
            if (wide == 16) {
                const __m256i a = _mm256_maddubs_epi16(counts[i], one8);
                const __m256i b = _mm256_maddubs_epi16(counts[i + 1], one8);
                counts[i / 2] = _mm256_or_si256(a, _mm256_slli_epi16(b, 8));
            } else {
                const __m256i low = _mm256_set1_epi16(0xff);
                const __m256i a0 = _mm256_madd_epi16(_mm256_and_si256(counts[i], low), one16);
                const __m256i a1 = _mm256_madd_epi16(_mm256_srli_epi16(counts[i], 8), one16);
                const __m256i b0 = _mm256_madd_epi16(_mm256_and_si256(counts[i + 1], low), one16);
                const __m256i b1 = _mm256_madd_epi16(_mm256_srli_epi16(counts[i + 1], 8), one16);
                const __m256i a = _mm256_or_si256(a0, _mm256_slli_epi32(a1, 8));
                const __m256i b = _mm256_or_si256(b0, _mm256_slli_epi32(b1, 8));
                counts[i / 2] = _mm256_or_si256(a, _mm256_slli_epi32(b, 16));
            }
        }
    count_values(counts, size, m, out);
}

// Rows are laid one after the other, their tails masked, and counted STAGE words at a time.
AVX2 void row_histogram_vector(const uint64_t *words, size_t rows, size_t columns, size_t m,
                               int64_t *out) {
    if (m != 4 && m != 8 && m != 16 && m != 32)
        return row_histogram_plain<Vector>(words, rows, columns, m, out);
    const int64_t groups = int64_t(rows * (columns / m));
    size_t width = words_a_row(columns), used = columns / m * m;
    const size_t rest = used % 64;
    if (rest == 0 && used == width * 64) {
        // Without tails the rows are one.
        width *= rows, used *= rows, rows = std::min<size_t>(rows, 1);
    }
    const size_t whole = used / 64, kept = whole + (rest != 0);
    uint64_t stage[STAGE];
    size_t filled = 0, total = 0;
    for (size_t row = 0; row < rows; row++, words += width)
        for (size_t w = 0; w < kept;) {
            if (filled == 0 && whole - std::min(w, whole) >= STAGE) {
                staged_histogram(words + w, m, out);
                w += STAGE, total += STAGE;
                continue;
            }
            const uint64_t mask = w < whole ? ~uint64_t(0) : (uint64_t(1) << rest) - 1;
            stage[filled++] = words[w++] & mask;
            if (filled == STAGE) {
                staged_histogram(stage, m, out);
                filled = 0, total += STAGE;
            }
        }
    if (filled) {
        std::fill(stage + filled, stage + STAGE, 0);
        staged_histogram(stage, m, out);
        total += STAGE;
    }
    out[0] -= int64_t(total * (64 / m)) - groups;
}
#endif

// Four words at once; the compiler makes of it what the machine has.
typedef uint64_t Quad __attribute__((vector_size(32)));

INLINE void read_words(Quad &quad, const uint64_t *words, size_t count) {
    if (count == 4) {
        std::memcpy(&quad, words, sizeof quad);
        return;
    }
    quad = Quad{};
    for (size_t i = 0; i < count; i++) quad[i] = words[i];
}

// Adds m rows bit by bit: plane p holds bit p of the count of each of 256 columns.
template <size_t PLANES>
INLINE void add_rows(const uint64_t *words, size_t stride, size_t count, size_t m, Quad *planes) {
    for (size_t p = 0; p < PLANES; p++) planes[p] = Quad{};
    for (size_t row = 0; row < m; row++, words += stride) {
        Quad carry;
        read_words(carry, words, count);
        for (size_t p = 0; p < PLANES; p++) {
            const Quad both = planes[p] & carry;
            planes[p] ^= carry;
            carry = both;
        }
    }
}

// The same for a power of two as a tree of adders, which is a third of the work.
template <size_t PLANES> struct Tree {
    static INLINE void add(const uint64_t *words, size_t stride, size_t count, Quad *planes) {
        Quad other[PLANES - 1], carry{};
        const size_t half = size_t(1) << (PLANES - 2);
        Tree<PLANES - 1>::add(words, stride, count, planes);
        Tree<PLANES - 1>::add(words + half * stride, stride, count, other);
        for (size_t p = 0; p + 1 < PLANES; p++) {
            const Quad differ = planes[p] ^ other[p], both = planes[p] & other[p];
            planes[p] = differ ^ carry;
            carry = both | (differ & carry);
        }
        planes[PLANES - 1] = carry;
    }
};
template <> struct Tree<1> {
    static INLINE void add(const uint64_t *words, size_t, size_t count, Quad *planes) {
        read_words(planes[0], words, count);
    }
};

INLINE size_t bit_length(size_t x) {
    size_t bits = 0;
    for (; x; x >>= 1) bits++;
    return bits;
}

// Counts the columns whose planes spell each number up to m, by halving the set of columns.
template <class Path, size_t PLANES> struct Leaves {
    static INLINE void count(const Quad *planes, const Quad &chosen, size_t number, size_t m,
                             int64_t *out) {
        constexpr size_t half = size_t(1) << (PLANES - 1);
        const Quad without = chosen & ~planes[PLANES - 1];
        Leaves<Path, PLANES - 1>::count(planes, without, number, m, out);
        if (number + half > m) return;
        const Quad with = chosen & planes[PLANES - 1];
        Leaves<Path, PLANES - 1>::count(planes, with, number + half, m, out);
    }
};
template <class Path> struct Leaves<Path, 0> {
    static INLINE void count(const Quad *, const Quad &chosen, size_t number, size_t,
                             int64_t *out) {
        int64_t total = 0;
        for (int i = 0; i < 4; i++) total += popcount<Path::HW>(chosen[i]);
        out[number] += total;
    }
};

template <class Path, size_t PLANES>
INLINE void column_histogram_of(const uint64_t *words, size_t rows, size_t width, size_t m,
                                int64_t *seen) {
    const bool power = m == size_t(1) << (PLANES - 1);
    for (size_t group = 0; group < rows / m; group++, words += m * width)
        for (size_t w = 0; w < width; w += 4) {
            const size_t count = std::min<size_t>(4, width - w);
            Quad planes[PLANES], chosen{};
            if (power)
                Tree<PLANES>::add(words + w, width, count, planes);
            else
                add_rows<PLANES>(words + w, width, count, m, planes);
            for (size_t i = 0; i < count; i++) chosen[i] = ~uint64_t(0);
            Leaves<Path, PLANES>::count(planes, chosen, 0, m, seen);
        }
}

template <class Path>
INLINE void column_histogram(const uint64_t *words, size_t rows, size_t columns, size_t m,
                             int64_t *out) {
    const size_t width = words_a_row(columns);
    int64_t seen[128] = {};
    switch (bit_length(m)) {
    case 1: column_histogram_of<Path, 1>(words, rows, width, m, seen); break;
    case 2: column_histogram_of<Path, 2>(words, rows, width, m, seen); break;
    case 3: column_histogram_of<Path, 3>(words, rows, width, m, seen); break;
    case 4: column_histogram_of<Path, 4>(words, rows, width, m, seen); break;
    case 5: column_histogram_of<Path, 5>(words, rows, width, m, seen); break;
    case 6: column_histogram_of<Path, 6>(words, rows, width, m, seen); break;
    default: column_histogram_of<Path, 7>(words, rows, width, m, seen); break;
    }
    // The zero bits that pad a row are no columns.
    seen[0] -= int64_t(rows / m * (width * 64 - columns));
    for (size_t k = 0; k <= m; k++) out[k] += seen[k];
}

template <size_t PLANES>
INLINE void column_group_counts_of(const uint64_t *words, size_t rows, size_t columns, size_t m,
                                   uint8_t *out) {
    const size_t width = words_a_row(columns);
    const bool power = m == size_t(1) << (PLANES - 1);
    for (size_t group = 0; group < rows / m; group++, words += m * width, out += columns)
        for (size_t w = 0; w < width; w += 4) {
            const size_t count = std::min<size_t>(4, width - w);
            Quad planes[PLANES];
            if (power)
                Tree<PLANES>::add(words + w, width, count, planes);
            else
                add_rows<PLANES>(words + w, width, count, m, planes);
            uint64_t counts[32] = {};
            for (size_t p = 0; p < PLANES; p++)
                for (size_t i = 0; i < 4; i++)
                    for (size_t k = 0; k < 8; k++)
                        counts[8 * i + k] += spread((planes[p][i] >> (8 * k)) & 0xff) << p;
            std::memcpy(out + 64 * w, counts, std::min<size_t>(256, columns - 64 * w));
        }
}

INLINE void column_group_counts(const uint64_t *words, size_t rows, size_t columns, size_t m,
                                uint8_t *out) {
    switch (bit_length(m)) {
    case 1: return column_group_counts_of<1>(words, rows, columns, m, out);
    case 2: return column_group_counts_of<2>(words, rows, columns, m, out);
    case 3: return column_group_counts_of<3>(words, rows, columns, m, out);
    case 4: return column_group_counts_of<4>(words, rows, columns, m, out);
    case 5: return column_group_counts_of<5>(words, rows, columns, m, out);
    case 6: return column_group_counts_of<6>(words, rows, columns, m, out);
    default: return column_group_counts_of<7>(words, rows, columns, m, out);
    }
}

// ------------------------------------------------------------------------------ statistics

struct Found {
    int64_t nonzero = 0, near = 0;
    float low = std::numeric_limits<float>::infinity();
    float high = -std::numeric_limits<float>::infinity();

    INLINE void meet(float value) {
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
};

INLINE float as_float(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}

// fp16 to fp32, exactly: a denormal is a small integer times 2^-24.
INLINE float half_to_float(uint16_t half) {
    const uint32_t sign = uint32_t(half & 0x8000) << 16, size = half & 0x7fff;
    if (size >= 0x7c00) return as_float(sign | 0x7f800000u | (size & 0x3ff) << 13);
    if (size >= 0x0400) return as_float(sign | ((size << 13) + (112u << 23)));
    const float value = float(size) * 5.9604644775390625e-8f;
    return sign ? -value : value;
}

// The sum of 128 values as numpy adds them: eight lanes, then in pairs. Adding 0 makes -0 a 0.
INLINE float join(const float *r) {
    return (((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))) + 0.0f;
}

INLINE void sum_block(const float *values, float *sum, float *square) {
    float s[8], q[8];
    UNROLL for (int k = 0; k < 8; k++) s[k] = values[k], q[k] = values[k] * values[k];
    for (size_t i = 8; i < BLOCK; i += 8)
        UNROLL for (int k = 0; k < 8; k++) {
            s[k] += values[i + k];
            q[k] += values[i + k] * values[i + k];
        }
    *sum = join(s);
    *square = join(q);
}

INLINE void meet_block(const float *values, Found &found) {
    float low[8], high[8];
    UNROLL for (int k = 0; k < 8; k++) low[k] = high[k] = values[k];
    for (size_t i = 8; i < BLOCK; i += 8)
        UNROLL for (int k = 0; k < 8; k++) {
            low[k] = values[i + k] < low[k] ? values[i + k] : low[k];
            high[k] = values[i + k] > high[k] ? values[i + k] : high[k];
        }
    for (int k = 0; k < 8; k++) found.meet(low[k]), found.meet(high[k]);
}

template <class T> INLINE float value_of(T bits, int form);
template <> INLINE float value_of(uint32_t bits, int) { return as_float(bits); }
template <> INLINE float value_of(uint16_t bits, int form) {
    return form == BFLOAT16 ? as_float(uint32_t(bits) << 16) : half_to_float(bits);
}

// Sums, extremes and near zeros of the elements from `start` on, one block at a time.
template <class T>
INLINE void sum_plain(const T *bits, size_t start, size_t size, int form, T limit, float *sums,
                      float *squares, Found &found) {
    constexpr T magnitude = T(~T(0)) >> 1;
    // bf16: even and odd positions are summed apart, as AVX2 finds them.
    const size_t lanes = form == BFLOAT16 ? 2 : 1, step = lanes * BLOCK;
    const size_t half = (size + step - 1) / step;
    for (size_t at = start; at < size; at += step) {
        const size_t count = std::min(step, size - at);
        float values[2][BLOCK] = {};
        if (lanes == 2)
            for (size_t i = 0; i < count; i++)
                values[i % 2][i / 2] = value_of(load(bits + at + i), form);
        else
            for (size_t i = 0; i < count; i++) values[0][i] = value_of(load(bits + at + i), form);
        uint32_t near = 0;
        for (size_t i = 0; i < count; i++) {
            const T element = load(bits + at + i) & magnitude;
            // Zero wraps around and so is not near.
            near += T(element - 1) < T(limit - 1);
        }
        if (limit) found.near += near;
        for (size_t lane = 0; lane < lanes; lane++) {
            const size_t block = lane * half + at / step;
            sum_block(values[lane], sums + block, squares + block);
            if (count == step)
                meet_block(values[lane], found);
            else
                for (size_t i = lane; i < count; i += lanes) found.meet(values[lane][i / lanes]);
        }
    }
}

INLINE int64_t count_bits(const uint64_t *words, size_t count, bool hw) {
    int64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += hw ? popcount<true>(words[i]) : popcount<false>(words[i]);
    return total;
}

template <class T>
INLINE void scan_plain(const T *bits, size_t rows, size_t columns, int form, T limit,
                       uint64_t *out, float *sums, float *squares, Found &found) {
    constexpr T magnitude = T(~T(0)) >> 1;
    pack<Plain>(bits, magnitude, rows, columns, out);
    found.nonzero = count_bits(out, rows * words_a_row(columns), false);
    sum_plain(bits, 0, rows * columns, form, limit, sums, squares, found);
}

#if HAVE_AVX2
// The machine's own prefetching stops at the end of each page of 4 KB; this goes on.
AVX2 inline void ahead(const void *at) {
    _mm_prefetch(static_cast<const char *>(at) + 4096, _MM_HINT_T0);
}

struct Extremes {
    __m256 low, high;
};

// Both sums of a block end side by side: the same pairs as join().
AVX2 inline void join(__m256 s, __m256 q, float *sum, float *square) {
    const __m256 pairs = _mm256_hadd_ps(s, q), fours = _mm256_hadd_ps(pairs, pairs);
    const __m128 eights =
        _mm_add_ps(_mm256_castps256_ps128(fours), _mm256_extractf128_ps(fours, 1));
    const __m128 clean = _mm_add_ps(eights, _mm_setzero_ps());
    *sum = _mm_cvtss_f32(clean);
    *square = _mm_cvtss_f32(_mm_shuffle_ps(clean, clean, 1));
}

AVX2 inline void meet(Extremes &extremes, __m256 v) {
    extremes.low = _mm256_min_ps(extremes.low, v);
    extremes.high = _mm256_max_ps(extremes.high, v);
}

AVX2 inline void finish(const Extremes &extremes, Found &found) {
    float low[8], high[8];
    _mm256_storeu_ps(low, extremes.low);
    _mm256_storeu_ps(high, extremes.high);
    for (int k = 0; k < 8; k++) {
        found.low = std::min(found.low, low[k]);
        found.high = std::max(found.high, high[k]);
    }
}

AVX2 inline int64_t add_lanes(__m256i counts) {
    uint32_t lanes[8];
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(lanes), counts);
    int64_t total = 0;
    for (uint32_t lane : lanes) total += lane;
    return total;
}

AVX2 inline Extremes no_extremes() {
    const float inf = std::numeric_limits<float>::infinity();
    return {_mm256_set1_ps(inf), _mm256_set1_ps(-inf)};
}

// Each returns the number of elements done: whole blocks. `words` may be null: no packing.
// Near zeros are counted with the zeros here, which the caller takes off.
template <bool PACK>
AVX2 size_t sum_singles(const uint32_t *bits, size_t size, uint32_t limit, uint64_t *words,
                        float *sums, float *squares, Found &found) {
    const __m256i keep = _mm256_set1_epi32(0x7fffffff), none = _mm256_setzero_si256();
    const __m256i below = _mm256_set1_epi32(int(limit));
    Extremes extremes = no_extremes();
    __m256i near = none;
    size_t at = 0;
    for (; at + BLOCK <= size; at += BLOCK) {
        __m256 s = _mm256_setzero_ps(), q = s;
        UNROLL for (int w = 0; w < 2; w++) {
            uint64_t zeros = 0;
            UNROLL for (int i = 0; i < 8; i++) {
                if (i % 2 == 0) ahead(bits + at + 64 * w + 8 * i);
                const __m256i raw = read(bits + at + 64 * w + 8 * i);
                const __m256 v = _mm256_castsi256_ps(raw);
                const __m256i size_bits = _mm256_and_si256(raw, keep);
                s = _mm256_add_ps(s, v);
                q = _mm256_add_ps(q, _mm256_mul_ps(v, v));
                meet(extremes, v);
                near = _mm256_sub_epi32(near, _mm256_cmpgt_epi32(below, size_bits));
                if (PACK) {
                    const __m256i zero = _mm256_cmpeq_epi32(size_bits, none);
                    zeros |= uint64_t(uint32_t(_mm256_movemask_ps(_mm256_castsi256_ps(zero))))
                             << (8 * i);
                }
            }
            if (PACK) words[at / 64 + w] = ~zeros;
        }
        join(s, q, sums + at / BLOCK, squares + at / BLOCK);
    }
    finish(extremes, found);
    found.near += add_lanes(near);
    return at;
}

AVX2 inline __m256i add_near16(__m256i counts) {
    return _mm256_madd_epi16(counts, _mm256_set1_epi16(1));
}

template <bool PACK>
AVX2 size_t sum_bfloats(const uint16_t *bits, size_t size, uint16_t limit, uint64_t *words,
                        float *sums, float *squares, Found &found) {
    const size_t half = (size + 2 * BLOCK - 1) / (2 * BLOCK);
    const __m256i upper = _mm256_set1_epi32(int(0xffff0000u)), none = _mm256_setzero_si256();
    const __m256i keep = _mm256_set1_epi16(0x7fff), below = _mm256_set1_epi16(short(limit));
    Extremes even = no_extremes(), odd = even;
    __m256i total = none;
    size_t at = 0;
    for (; at + 2 * BLOCK <= size; at += 2 * BLOCK) {
        __m256 s0 = _mm256_setzero_ps(), q0 = s0, s1 = s0, q1 = s0;
        __m256i near = none;
        for (int pair = 0; pair < 8; pair++) {
            __m256i zero[2];
            ahead(bits + at + 32 * pair);
            UNROLL for (int i = 0; i < 2; i++) {
                const __m256i raw = read(bits + at + 32 * pair + 16 * i);
                const __m256 a = _mm256_castsi256_ps(_mm256_slli_epi32(raw, 16));
                const __m256 b = _mm256_castsi256_ps(_mm256_and_si256(raw, upper));
                const __m256i size_bits = _mm256_and_si256(raw, keep);
                s0 = _mm256_add_ps(s0, a);
                q0 = _mm256_add_ps(q0, _mm256_mul_ps(a, a));
                s1 = _mm256_add_ps(s1, b);
                q1 = _mm256_add_ps(q1, _mm256_mul_ps(b, b));
                meet(even, a);
                meet(odd, b);
                near = _mm256_sub_epi16(near, _mm256_cmpgt_epi16(below, size_bits));
                zero[i] = _mm256_cmpeq_epi16(size_bits, none);
            }
            if (PACK) {
                const uint32_t kept = ~uint32_t(truths32(zero[0], zero[1]));
                std::memcpy(reinterpret_cast<char *>(words) + at / 8 + 4 * pair, &kept, 4);
            }
        }
        total = _mm256_add_epi32(total, add_near16(near));
        const size_t block = at / (2 * BLOCK);
        join(s0, q0, sums + block, squares + block);
        join(s1, q1, sums + half + block, squares + half + block);
    }
    finish(even, found);
    finish(odd, found);
    found.near += add_lanes(total);
    return at;
}

template <bool PACK>
AVX2 size_t sum_halves(const uint16_t *bits, size_t size, uint16_t limit, uint64_t *words,
                       float *sums, float *squares, Found &found) {
    const __m256i keep = _mm256_set1_epi16(0x7fff), none = _mm256_setzero_si256();
    const __m256i below = _mm256_set1_epi16(short(limit));
    Extremes extremes = no_extremes();
    __m256i total = none;
    size_t at = 0;
    for (; at + BLOCK <= size; at += BLOCK) {
        __m256 s = _mm256_setzero_ps(), q = s;
        __m256i near = none;
        for (int pair = 0; pair < 4; pair++) {
            __m256i zero[2];
            ahead(bits + at + 32 * pair);
            UNROLL for (int i = 0; i < 2; i++) {
                const __m256i raw = read(bits + at + 32 * pair + 16 * i);
                const __m256 a = _mm256_cvtph_ps(_mm256_castsi256_si128(raw));
                const __m256 b = _mm256_cvtph_ps(_mm256_extracti128_si256(raw, 1));
                const __m256i size_bits = _mm256_and_si256(raw, keep);
                s = _mm256_add_ps(_mm256_add_ps(s, a), b);
                q = _mm256_add_ps(q, _mm256_mul_ps(a, a));
                q = _mm256_add_ps(q, _mm256_mul_ps(b, b));
                meet(extremes, a);
                meet(extremes, b);
                near = _mm256_sub_epi16(near, _mm256_cmpgt_epi16(below, size_bits));
                zero[i] = _mm256_cmpeq_epi16(size_bits, none);
            }
            if (PACK) {
                const uint32_t kept = ~uint32_t(truths32(zero[0], zero[1]));
                std::memcpy(reinterpret_cast<char *>(words) + at / 8 + 4 * pair, &kept, 4);
            }
        }
        total = _mm256_add_epi32(total, add_near16(near));
        join(s, q, sums + at / BLOCK, squares + at / BLOCK);
    }
    finish(extremes, found);
    found.near += add_lanes(total);
    return at;
}

template <bool PACK>
AVX2 inline size_t sum_vector(const uint32_t *bits, size_t size, int, uint32_t limit,
                              uint64_t *words, float *sums, float *squares, Found &found) {
    return sum_singles<PACK>(bits, size, limit, words, sums, squares, found);
}

template <bool PACK>
AVX2 inline size_t sum_vector(const uint16_t *bits, size_t size, int form, uint16_t limit,
                              uint64_t *words, float *sums, float *squares, Found &found) {
    if (form == BFLOAT16)
        return sum_bfloats<PACK>(bits, size, limit, words, sums, squares, found);
    return sum_halves<PACK>(bits, size, limit, words, sums, squares, found);
}

template <class T>
AVX2 void scan_vector(const T *bits, size_t rows, size_t columns, int form, T limit,
                      uint64_t *out, float *sums, float *squares, Found &found) {
    constexpr T magnitude = T(~T(0)) >> 1;
    const size_t size = rows * columns;
    size_t done;
    if (columns % 64 == 0) {
        // Words follow the elements without a gap: pack in the same loop.
        done = sum_vector<true>(bits, size, form, limit, out, sums, squares, found);
        for (size_t at = done; at < size; at += 64)
            out[at / 64] = Vector::flags64(bits + at, magnitude);
    } else {
        pack<Vector>(bits, magnitude, rows, columns, out);
        done = sum_vector<false>(bits, size, form, limit, out, sums, squares, found);
    }
    found.nonzero = count_bits(out, rows * words_a_row(columns), true);
    if (limit) {
        // So far zeros were counted as near zeros.
        int64_t zeros = 0;
        for (size_t at = done; at < size; at++) zeros += T(load(bits + at) & magnitude) == 0;
        found.near -= int64_t(size) - found.nonzero - zeros;
    }
    sum_plain(bits, done, size, form, limit, sums, squares, found);
}
#endif

INLINE void histogram(const uint8_t *bytes, size_t size, int64_t *out) {
    ByteTables tables;
    size_t at = 0;
    for (; at + 8 <= size; at += 8)
        tables.add(load(reinterpret_cast<const uint64_t *>(bytes + at)));
    tables.flush();
    for (; at < size; at++) tables.total[bytes[at]]++;
    for (int v = 0; v < 256; v++) out[v] += tables.total[v];
}

// ------------------------------------------------------------------------------ projection

struct Shape {
    size_t outer, length, inner;
};

// Groups are judged side by side, a vector of ranks at a time: `ranks[i]` holds member i of each.
// A member is beaten by those with a larger rank, and by those of equal rank that come later.
// M is 0 where the group size is only known at run time.
template <class Path, class T, size_t M> struct Judge {
    typedef typename Rank<T>::Signed S;
    typedef S V __attribute__((vector_size(Path::WIDTH)));
    static constexpr size_t LANES = Path::WIDTH / sizeof(T), MOST = M ? M : 64;
    static constexpr T FLIP = T(T(1) << (8 * sizeof(T) - 1));

    alignas(32) S ranks[MOST][LANES];
    alignas(32) S beaten[MOST][LANES];

    static INLINE S rank(const T *at, T mask, T ceiling) {
        return rank_of<T>(at, mask, ceiling, FLIP);
    }

    // Of the largest rank the last one wins: far less work than comparing every pair.
    INLINE void judge_one(size_t m) {
        V best, other, free = V{} == V{};
        std::memcpy(&best, ranks[0], sizeof best);
        for (size_t i = 1; i < m; i++) {
            std::memcpy(&other, ranks[i], sizeof other);
            best = other > best ? other : best;
        }
        for (size_t i = m; i-- > 0;) {
            std::memcpy(&other, ranks[i], sizeof other);
            const V wins = (other == best) & free, lost = V{} + S(1) + wins;
            free &= ~wins;
            std::memcpy(beaten[i], &lost, sizeof lost);
        }
    }

    INLINE void judge(size_t n, size_t m) {
        if (n == 1) return judge_one(m);
        V all[MOST];
        for (size_t i = 0; i < m; i++) all[i] = V{} + S(m - 1 - i);
        for (size_t i = 0; i + 1 < m; i++) {
            V mine, other, losses = all[i];
            std::memcpy(&mine, ranks[i], sizeof mine);
            for (size_t j = i + 1; j < m; j++) {
                std::memcpy(&other, ranks[j], sizeof other);
                const V wins = mine > other;
                losses += wins;
                all[j] -= wins;
            }
            all[i] = losses;
        }
        std::memcpy(beaten, all, m * sizeof(V));
    }
};

// Where the next groups start: `step` apart (members then lie side by side if it is 1, else group
// after group), or scattered if it is 0.
template <size_t LANES> struct Places {
    size_t outer = 0, group = 0, lane = 0, count = 0, step = 0;
    size_t at[LANES];

    INLINE void next(Shape shape, size_t m, size_t groups, size_t left) {
        const size_t first = (outer * shape.length + group * m) * shape.inner + lane;
        step = 0;
        count = std::min(LANES, left);
        if (shape.inner > 1 && lane + LANES <= shape.inner) {
            step = 1;
            lane += LANES;
            if (lane == shape.inner) lane = 0, group++;
        } else if (shape.inner == 1 && m > 1 && group + LANES <= groups) {
            step = m;
            group += LANES;
        } else {
            for (size_t k = 0; k < count; k++) {
                at[k] = (outer * shape.length + group * m) * shape.inner + lane;
                if (++lane == shape.inner) lane = 0, group++;
                if (group == groups) group = 0, outer++;
            }
            for (size_t k = count; k < LANES; k++) at[k] = first;
        }
        at[0] = first;
        if (group == groups) group = 0, outer++;
    }
};

template <class Path, class T, size_t M>
INLINE void project_groups(const T *bits, T mask, T ceiling, Shape shape, size_t n, size_t size,
                           uint8_t *out) {
    typedef Judge<Path, T, M> J;
    constexpr size_t LANES = J::LANES;
    const size_t m = M ? M : size, groups = shape.length / m, inner = shape.inner;
    const size_t total = shape.outer * groups * inner;
    const typename J::S bound = typename J::S(n);
    J judge;
    Places<LANES> places;
    for (size_t done = 0; done < total; done += LANES) {
        places.next(shape, m, groups, total - done);
        const T *from = bits + places.at[0];
        if (places.step == 1)
            for (size_t i = 0; i < m; i++)
                for (size_t k = 0; k < LANES; k++)
                    judge.ranks[i][k] = J::rank(from + i * inner + k, mask, ceiling);
        else if (places.step)
            Path::spread_members(from, m, mask, ceiling, J::FLIP, judge.ranks);
        else
            for (size_t i = 0; i < m; i++)
                for (size_t k = 0; k < LANES; k++)
                    judge.ranks[i][k] = J::rank(bits + places.at[k] + i * inner, mask, ceiling);
        judge.judge(n, m);
        uint8_t *to = out + places.at[0];
        if (places.step == 1)
            for (size_t i = 0; i < m; i++)
                for (size_t k = 0; k < LANES; k++)
                    to[i * inner + k] = judge.beaten[i][k] < bound;
        else if (places.step)
            Path::gather_members(judge.beaten, m, bound, to);
        else
            for (size_t i = 0; i < m; i++)
                for (size_t k = 0; k < places.count; k++)
                    out[places.at[k] + i * inner] = judge.beaten[i][k] < bound;
    }
}

template <class Path, class T>
INLINE void project(const T *bits, T mask, T ceiling, Shape shape, size_t n, size_t m,
                    uint8_t *out) {
    const size_t tail = shape.length % m * shape.inner, run = shape.length * shape.inner;
    for (size_t o = 0; o < shape.outer; o++) std::memset(out + (o + 1) * run - tail, 1, tail);
    if (shape.inner == 1 &&
        Path::project_rows(bits, mask, ceiling, shape.outer, shape.length, n, m, out))
        return;
    if (m == 4) return project_groups<Path, T, 4>(bits, mask, ceiling, shape, n, m, out);
    if (m == 8 && sizeof(T) <= 4)
        return project_groups<Path, T, 8>(bits, mask, ceiling, shape, n, m, out);
    if (m == 16 && sizeof(T) <= 4)
        return project_groups<Path, T, 16>(bits, mask, ceiling, shape, n, m, out);
    project_groups<Path, T, 0>(bits, mask, ceiling, shape, n, m, out);
}

// ------------------------------------------------------------------------------ the two paths

// Each kernel once for each path; the code above is inlined and so compiled for its machine.
#define KERNELS(NAME, TARGET, PATH, ROWS, SCAN)                                                   \
    struct NAME {                                                                                 \
        template <class T>                                                                        \
        TARGET static void pack_nonzero(const void *bits, uint64_t mask, size_t rows,             \
                                        size_t columns, uint64_t *out) {                          \
            pack<PATH>(static_cast<const T *>(bits), T(mask), rows, columns, out);                \
        }                                                                                         \
        TARGET static void unpack_bits(const uint64_t *words, size_t rows, size_t columns,        \
                                       uint8_t *out) {                                            \
            unpack(words, rows, columns, out);                                                    \
        }                                                                                         \
        TARGET static void regroup_bits(const uint64_t *words, size_t rows, size_t columns,       \
                                        size_t length, size_t inner, uint64_t *out,               \
                                        uint8_t *row) {                                           \
            regroup<PATH>(words, rows, columns, length, inner, out, row);                         \
        }                                                                                         \
        TARGET static void row_counts(const uint64_t *words, size_t rows, size_t columns,         \
                                      size_t m, uint8_t *out) {                                   \
            row_group_counts<PATH>(words, rows, columns, m, out);                                 \
        }                                                                                         \
        TARGET static void column_counts(const uint64_t *words, size_t rows, size_t columns,      \
                                         size_t m, uint8_t *out) {                                \
            column_group_counts(words, rows, columns, m, out);                                    \
        }                                                                                         \
        TARGET static void row_groups(const uint64_t *words, size_t rows, size_t columns,         \
                                      size_t m, int64_t *out) {                                   \
            ROWS(words, rows, columns, m, out);                                                   \
        }                                                                                         \
        TARGET static void column_groups(const uint64_t *words, size_t rows, size_t columns,      \
                                         size_t m, int64_t *out) {                                \
            column_histogram<PATH>(words, rows, columns, m, out);                                 \
        }                                                                                         \
        template <class T>                                                                        \
        TARGET static void scan(const void *bits, size_t rows, size_t columns, int form,          \
                                uint64_t limit, uint64_t *out, float *sums, float *squares,       \
                                Found *found) {                                                   \
            SCAN(static_cast<const T *>(bits), rows, columns, form, T(limit), out, sums,          \
                 squares, *found);                                                                \
        }                                                                                         \
        TARGET static void bytes(const uint8_t *bits, size_t size, int64_t *out) {                \
            histogram(bits, size, out);                                                           \
        }                                                                                         \
        template <class T>                                                                        \
        TARGET static void keep(const void *bits, uint64_t mask, uint64_t ceiling, Shape shape,   \
                                size_t n, size_t m, uint8_t *out) {                               \
            project<PATH>(static_cast<const T *>(bits), T(mask), T(ceiling), shape, n, m, out);   \
        }                                                                                         \
    }

KERNELS(Portable, , Plain, row_histogram_plain<Plain>, scan_plain);
#if HAVE_AVX2
KERNELS(Wide, AVX2, Vector, row_histogram_vector, scan_vector);
#else
typedef Portable Wide;
#endif

bool wide = false;

#define RUN(KERNEL, ...)                                                                          \
    do {                                                                                          \
        Py_BEGIN_ALLOW_THREADS                                                                    \
        if (wide)                                                                                 \
            Wide::KERNEL(__VA_ARGS__);                                                            \
        else                                                                                      \
            Portable::KERNEL(__VA_ARGS__);                                                        \
        Py_END_ALLOW_THREADS                                                                      \
    } while (false)

// ------------------------------------------------------------------------------ the border

// A view of a caller's contiguous array, given back when it goes out of scope.
class Array {
  public:
    Array() = default;
    Array(const Array &) = delete;
    Array &operator=(const Array &) = delete;
    ~Array() {
        if (held_) PyBuffer_Release(&view_);
    }

    bool take(PyObject *object, bool writable, size_t itemsize, const char *what) {
        const int flags = PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(object, &view_, flags) != 0) {
            PyErr_Clear();
            PyErr_Format(PyExc_ValueError, "%s: a contiguous%s array is wanted", what,
                         writable ? " writable" : "");
            return false;
        }
        held_ = true;
        if (itemsize && size_t(view_.itemsize) != itemsize) {
            PyErr_Format(PyExc_ValueError, "%s: %zu bytes an element wanted, %zd given", what,
                         itemsize, view_.itemsize);
            return false;
        }
        return true;
    }
    bool holds(size_t size, const char *what) const {
        if (this->size() == size) return true;
        PyErr_Format(PyExc_ValueError, "%s: %zu contiguous elements wanted, %zu given", what, size,
                     this->size());
        return false;
    }
    size_t itemsize() const { return size_t(view_.itemsize); }
    size_t size() const { return itemsize() ? size_t(view_.len) / itemsize() : 0; }
    template <class T> T *data() const { return static_cast<T *>(view_.buf); }

  private:
    Py_buffer view_ = {};
    bool held_ = false;
};

bool refuse(const char *sentence) {
    PyErr_SetString(PyExc_ValueError, sentence);
    return false;
}

// a * b, or false where that is no size.
bool multiply(size_t a, size_t b, size_t *product) {
    if (b && a > size_t(PY_SSIZE_T_MAX) / b) return refuse("sizes overflow");
    *product = a * b;
    return true;
}

// How many rows of `width` there are; false if they are not whole.
bool rows_of(size_t size, Py_ssize_t width, size_t *rows) {
    *rows = 0;
    if (width < 0 || (size && (!width || size % size_t(width))))
        return refuse("the elements do not fill whole rows");
    if (width) *rows = size / size_t(width);
    return true;
}

bool is_group(Py_ssize_t m) { return (m >= 1 && m <= 64) || refuse("groups of 1 to 64 wanted"); }

// Packed words and the size of their matrix.
struct Matrix {
    Array words;
    size_t rows = 0, columns = 0;

    bool take(PyObject *object, Py_ssize_t wanted) {
        if (wanted < 0) return refuse("columns are not negative");
        columns = size_t(wanted);
        return words.take(object, false, 8, "words") &&
               rows_of(words.size(), Py_ssize_t(words_a_row(columns)), &rows);
    }
    const uint64_t *data() const { return words.data<const uint64_t>(); }
};

PyObject *done(bool ok) {
    if (!ok) return nullptr;
    Py_RETURN_NONE;
}

PyObject *py_pack_nonzero(PyObject *, PyObject *args) {
    PyObject *in, *to;
    unsigned long long mask;
    Py_ssize_t columns;
    if (!PyArg_ParseTuple(args, "OKnO", &in, &mask, &columns, &to)) return nullptr;
    Array bits, out;
    size_t rows;
    if (!bits.take(in, false, 0, "bits") || !out.take(to, true, 8, "out") ||
        !rows_of(bits.size(), columns, &rows) ||
        !out.holds(rows * words_a_row(size_t(columns)), "out"))
        return nullptr;
    const void *from = bits.data<const void>();
    uint64_t *words = out.data<uint64_t>();
    switch (bits.itemsize()) {
    case 1: RUN(pack_nonzero<uint8_t>, from, mask, rows, size_t(columns), words); break;
    case 2: RUN(pack_nonzero<uint16_t>, from, mask, rows, size_t(columns), words); break;
    case 4: RUN(pack_nonzero<uint32_t>, from, mask, rows, size_t(columns), words); break;
    case 8: RUN(pack_nonzero<uint64_t>, from, mask, rows, size_t(columns), words); break;
    default: return done(refuse("bits: elements of 1, 2, 4 or 8 bytes wanted"));
    }
    Py_RETURN_NONE;
}

PyObject *py_unpack(PyObject *, PyObject *args) {
    PyObject *in, *to;
    Py_ssize_t columns;
    if (!PyArg_ParseTuple(args, "OnO", &in, &columns, &to)) return nullptr;
    Matrix matrix;
    Array out;
    size_t size;
    if (!matrix.take(in, columns) || !out.take(to, true, 1, "out") ||
        !multiply(matrix.rows, matrix.columns, &size) || !out.holds(size, "out"))
        return nullptr;
    RUN(unpack_bits, matrix.data(), matrix.rows, matrix.columns, out.data<uint8_t>());
    Py_RETURN_NONE;
}

PyObject *py_regroup(PyObject *, PyObject *args) {
    PyObject *in, *to;
    Py_ssize_t columns, length, inner;
    if (!PyArg_ParseTuple(args, "OnnnO", &in, &columns, &length, &inner, &to)) return nullptr;
    if (length < 0 || inner < 0) return done(refuse("lengths are not negative"));
    Matrix matrix;
    Array out;
    size_t stride, outer = 0, lines, size;
    if (!matrix.take(in, columns) || !out.take(to, true, 8, "out") ||
        !multiply(size_t(length), size_t(inner), &stride) ||
        !rows_of(matrix.columns, Py_ssize_t(stride), &outer) ||
        !multiply(matrix.rows, outer * size_t(inner), &lines) ||
        !multiply(lines, words_a_row(size_t(length)), &size) || !out.holds(size, "out"))
        return nullptr;
    if (!size) Py_RETURN_NONE;
    uint8_t *row = static_cast<uint8_t *>(PyMem_RawMalloc(matrix.columns));
    if (!row) return PyErr_NoMemory();
    RUN(regroup_bits, matrix.data(), matrix.rows, matrix.columns, size_t(length), size_t(inner),
        out.data<uint64_t>(), row);
    PyMem_RawFree(row);
    Py_RETURN_NONE;
}

// Words, columns, m and a target: the arguments of all kernels over groups.
struct GroupCall {
    Matrix matrix;
    Array out;
    size_t m = 0;

    bool take(PyObject *args, size_t itemsize) {
        PyObject *in, *to;
        Py_ssize_t columns, group;
        if (!PyArg_ParseTuple(args, "OnnO", &in, &columns, &group, &to)) return false;
        if (!is_group(group) || !matrix.take(in, columns)) return false;
        m = size_t(group);
        return out.take(to, true, itemsize, "out");
    }
};

PyObject *py_row_group_counts(PyObject *, PyObject *args) {
    GroupCall call;
    size_t size;
    if (!call.take(args, 1) ||
        !multiply(call.matrix.rows, call.matrix.columns / call.m, &size) ||
        !call.out.holds(size, "out"))
        return nullptr;
    RUN(row_counts, call.matrix.data(), call.matrix.rows, call.matrix.columns, call.m,
        call.out.data<uint8_t>());
    Py_RETURN_NONE;
}

PyObject *py_column_group_counts(PyObject *, PyObject *args) {
    GroupCall call;
    size_t size;
    if (!call.take(args, 1) ||
        !multiply(call.matrix.rows / call.m, call.matrix.columns, &size) ||
        !call.out.holds(size, "out"))
        return nullptr;
    RUN(column_counts, call.matrix.data(), call.matrix.rows, call.matrix.columns, call.m,
        call.out.data<uint8_t>());
    Py_RETURN_NONE;
}

PyObject *py_row_histogram(PyObject *, PyObject *args) {
    GroupCall call;
    if (!call.take(args, 8) || !call.out.holds(call.m + 1, "out")) return nullptr;
    RUN(row_groups, call.matrix.data(), call.matrix.rows, call.matrix.columns, call.m,
        call.out.data<int64_t>());
    Py_RETURN_NONE;
}

PyObject *py_column_histogram(PyObject *, PyObject *args) {
    GroupCall call;
    if (!call.take(args, 8) || !call.out.holds(call.m + 1, "out")) return nullptr;
    RUN(column_groups, call.matrix.data(), call.matrix.rows, call.matrix.columns, call.m,
        call.out.data<int64_t>());
    Py_RETURN_NONE;
}

PyObject *py_scan_floats(PyObject *, PyObject *args) {
    PyObject *in, *to, *to_sums, *to_squares;
    int form;
    Py_ssize_t columns;
    unsigned long long limit;
    if (!PyArg_ParseTuple(args, "OinKOOO", &in, &form, &columns, &limit, &to, &to_sums,
                          &to_squares))
        return nullptr;
    if (form < FLOAT32 || form > FLOAT16) return done(refuse("this format is not known"));
    Array bits, out, sums, squares;
    size_t rows;
    if (!bits.take(in, false, form == FLOAT32 ? 4 : 2, "bits") ||
        !rows_of(bits.size(), columns, &rows) || !out.take(to, true, 8, "out") ||
        !sums.take(to_sums, true, 4, "sums") || !squares.take(to_squares, true, 4, "squares"))
        return nullptr;
    const size_t step = form == BFLOAT16 ? 2 * BLOCK : BLOCK;
    const size_t parts = (bits.size() + step - 1) / step * (step / BLOCK);
    if (!out.holds(rows * words_a_row(size_t(columns)), "out") || !sums.holds(parts, "sums") ||
        !squares.holds(parts, "squares"))
        return nullptr;
    // No magnitude is larger, and the inner loops compare signed numbers.
    limit = std::min<unsigned long long>(limit, form == FLOAT32 ? 0x7fffffff : 0x7fff);
    Found found;
    if (!bits.size()) return Py_BuildValue("LLdd", 0LL, 0LL, 0.0, 0.0);
    if (form == FLOAT32)
        RUN(scan<uint32_t>, bits.data<const void>(), rows, size_t(columns), form, limit,
            out.data<uint64_t>(), sums.data<float>(), squares.data<float>(), &found);
    else
        RUN(scan<uint16_t>, bits.data<const void>(), rows, size_t(columns), form, limit,
            out.data<uint64_t>(), sums.data<float>(), squares.data<float>(), &found);
    return Py_BuildValue("LLdd", static_cast<long long>(found.nonzero),
                         static_cast<long long>(found.near), double(found.low) + 0.0,
                         double(found.high) + 0.0);
}

PyObject *py_histogram(PyObject *, PyObject *args) {
    PyObject *in, *to;
    if (!PyArg_ParseTuple(args, "OO", &in, &to)) return nullptr;
    Array bits, out;
    if (!bits.take(in, false, 1, "bits") || !out.take(to, true, 8, "out") ||
        !out.holds(256, "out"))
        return nullptr;
    RUN(bytes, bits.data<const uint8_t>(), bits.size(), out.data<int64_t>());
    Py_RETURN_NONE;
}

PyObject *py_project(PyObject *, PyObject *args) {
    PyObject *in, *to;
    unsigned long long mask, ceiling;
    Py_ssize_t outer, length, inner, n, m;
    if (!PyArg_ParseTuple(args, "OKK(nnn)nnO", &in, &mask, &ceiling, &outer, &length, &inner, &n,
                          &m, &to))
        return nullptr;
    if (!is_group(m)) return nullptr;
    if (n < 1 || n > m) return done(refuse("1 to M of M can be kept"));
    if (outer < 0 || length < 0 || inner < 0) return done(refuse("sizes are not negative"));
    Array bits, out;
    size_t run, size;
    if (!bits.take(in, false, 0, "bits") || !out.take(to, true, 1, "out") ||
        !multiply(size_t(length), size_t(inner), &run) ||
        !multiply(size_t(outer), run, &size) || !bits.holds(size, "bits") ||
        !out.holds(size, "out"))
        return nullptr;
    if (!size) Py_RETURN_NONE;
    const Shape shape = {size_t(outer), size_t(length), size_t(inner)};
    const void *from = bits.data<const void>();
    uint8_t *kept = out.data<uint8_t>();
    switch (bits.itemsize()) {
    case 1: RUN(keep<uint8_t>, from, mask, ceiling, shape, size_t(n), size_t(m), kept); break;
    case 2: RUN(keep<uint16_t>, from, mask, ceiling, shape, size_t(n), size_t(m), kept); break;
    case 4: RUN(keep<uint32_t>, from, mask, ceiling, shape, size_t(n), size_t(m), kept); break;
    case 8: RUN(keep<uint64_t>, from, mask, ceiling, shape, size_t(n), size_t(m), kept); break;
    default: return done(refuse("bits: elements of 1, 2, 4 or 8 bytes wanted"));
    }
    Py_RETURN_NONE;
}

// Choose a path by name; False where this machine or this build does not have it.
PyObject *py_use(PyObject *, PyObject *args) {
    const char *path;
    if (!PyArg_ParseTuple(args, "s", &path)) return nullptr;
    if (std::strcmp(path, "portable") == 0) {
        wide = false;
        Py_RETURN_TRUE;
    }
#if HAVE_AVX2
    if (std::strcmp(path, "avx2") == 0 && __builtin_cpu_supports("avx2") &&
        __builtin_cpu_supports("f16c") && __builtin_cpu_supports("popcnt") &&
        __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")) {
        wide = true;
        Py_RETURN_TRUE;
    }
#endif
    Py_RETURN_FALSE;
}

PyMethodDef methods[] = {
    {"pack_nonzero", py_pack_nonzero, METH_VARARGS, nullptr},
    {"unpack", py_unpack, METH_VARARGS, nullptr},
    {"regroup", py_regroup, METH_VARARGS, nullptr},
    {"row_group_counts", py_row_group_counts, METH_VARARGS, nullptr},
    {"column_group_counts", py_column_group_counts, METH_VARARGS, nullptr},
    {"row_histogram", py_row_histogram, METH_VARARGS, nullptr},
    {"column_histogram", py_column_histogram, METH_VARARGS, nullptr},
    {"scan_floats", py_scan_floats, METH_VARARGS, nullptr},
    {"histogram", py_histogram, METH_VARARGS, nullptr},
    {"project", py_project, METH_VARARGS, nullptr},
    {"use", py_use, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_native", "The kernels of kernels.py; see there.", -1, methods,
    nullptr, nullptr, nullptr, nullptr,
};

} // namespace

PyMODINIT_FUNC PyInit__native() { return PyModule_Create(&module); }
