// The few vector operations that the product kernels need, for the instruction set that the
// including file is compiled for: 512-bit registers (AVX-512) or 256-bit ones (AVX2 and FMA).
// Only kernel files include this; everything lies in the namespace of the instruction set.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "base/types.h"
#include "compute/block.h"

namespace einsearch::EINSEARCH_ISA {

/// Vectors of 256 bits.
template <typename Scalar>
struct Simd256;

template <>
struct Simd256<float> {
  using Vector = __m256;
  static constexpr Index kWidth = 8;

  static Vector zero() { return _mm256_setzero_ps(); }
  static Vector load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Vector v) { _mm256_storeu_ps(p, v); }
  static Vector broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  static Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
  static Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
  static Vector multiply(Vector a, Vector b) { return _mm256_mul_ps(a, b); }

  static Vector all(float value) { return _mm256_set1_ps(value); }
  static Vector subtract(Vector a, Vector b) { return _mm256_sub_ps(a, b); }
  static Vector negative_fma(Vector a, Vector b, Vector c) { return _mm256_fnmadd_ps(a, b, c); }
  static Vector absolute(Vector v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v); }
  static Vector minimum(Vector a, Vector b) { return _mm256_min_ps(a, b); }
  /// The magnitudes of one vector with the signs of v.
  static Vector with_sign(Vector magnitude, Vector v) {
    const Vector sign = _mm256_set1_ps(-0.0f);
    return _mm256_or_ps(_mm256_andnot_ps(sign, magnitude), _mm256_and_ps(sign, v));
  }
  /// v 2^n, where n are the lowest bits of `shifted`.
  static Vector add_to_exponent(Vector v, Vector shifted) {
    return _mm256_castsi256_ps(_mm256_add_epi32(
        _mm256_castps_si256(v), _mm256_slli_epi32(_mm256_castps_si256(shifted), 23)));
  }

  /// Lane i is lane lanes[i] of v where mask[i] is -1, and that of `rest` where it is 0.
  static Vector permute(Vector rest,
                        const std::int32_t* mask,
                        Vector v,
                        const std::int32_t* lanes) {
    return _mm256_blendv_ps(rest,
                            _mm256_permutevar8x32_ps(v, load_integers(lanes)),
                            _mm256_castsi256_ps(load_integers(mask)));
  }

  /// to[j * to_stride + i] = row(i)[j] for i, j < 8, written in the order of j.
  template <typename Row>
  [[gnu::always_inline]] static void transpose(const Row& row, float* to, Index to_stride) {
    __m256i r[8], t[8];
    for (int i = 0; i < 4; ++i) {
      const float *low = row(i), *high = row(i + 4);
      r[i] = both_halves(low, high);
      r[i + 4] = both_halves(low + 4, high + 4);
    }
    for (int i = 0; i < 8; i += 4) {
      const __m256i even_low = _mm256_unpacklo_epi32(r[i], r[i + 1]);
      const __m256i even_high = _mm256_unpackhi_epi32(r[i], r[i + 1]);
      const __m256i odd_low = _mm256_unpacklo_epi32(r[i + 2], r[i + 3]);
      const __m256i odd_high = _mm256_unpackhi_epi32(r[i + 2], r[i + 3]);
      t[i] = _mm256_unpacklo_epi64(even_low, odd_low);
      t[i + 1] = _mm256_unpackhi_epi64(even_low, odd_low);
      t[i + 2] = _mm256_unpacklo_epi64(even_high, odd_high);
      t[i + 3] = _mm256_unpackhi_epi64(even_high, odd_high);
    }
    for (int j = 0; j < 8; ++j) store(to + j * to_stride, _mm256_castsi256_ps(t[j]));
  }

 private:
  static __m256i load_integers(const std::int32_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }

  /// Four numbers from each of two places.
  static __m256i both_halves(const float* low, const float* high) {
    return _mm256_castps_si256(
        _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1));
  }
};

template <>
struct Simd256<double> {
  using Vector = __m256d;
  static constexpr Index kWidth = 4;

  static Vector zero() { return _mm256_setzero_pd(); }
  static Vector load(const double* p) { return _mm256_loadu_pd(p); }
  static void store(double* p, Vector v) { _mm256_storeu_pd(p, v); }
  static Vector broadcast(const double* p) { return _mm256_broadcast_sd(p); }
  static Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_pd(a, b, c); }
  static Vector add(Vector a, Vector b) { return _mm256_add_pd(a, b); }
  static Vector multiply(Vector a, Vector b) { return _mm256_mul_pd(a, b); }
  static Vector permute(Vector rest,
                        const std::int32_t* mask,
                        Vector v,
                        const std::int32_t* lanes) {
    double from[kWidth], to[kWidth];
    store(from, v);
    store(to, rest);
    for (Index i = 0; i < kWidth; ++i) to[i] = mask[i] != 0 ? from[lanes[i]] : to[i];
    return load(to);
  }

  /// to[j * to_stride + i] = row(i)[j] for i, j < 4.
  template <typename Row>
  static void transpose(const Row& row, double* to, Index to_stride) {
    for (int j = 0; j < 4; ++j) {
      for (int i = 0; i < 4; ++i) to[j * to_stride + i] = row(i)[j];
    }
  }
};

#ifdef __AVX512F__

/// Vectors of 512 bits.
template <typename Scalar>
struct Simd512;

template <>
struct Simd512<float> {
  using Vector = __m512;
  static constexpr Index kWidth = 16;

  static Vector zero() { return _mm512_setzero_ps(); }
  static Vector load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Vector v) { _mm512_storeu_ps(p, v); }
  static Vector broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
  static Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  static Vector multiply(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
  static Vector all(float value) { return _mm512_set1_ps(value); }
  static Vector subtract(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
  static Vector negative_fma(Vector a, Vector b, Vector c) { return _mm512_fnmadd_ps(a, b, c); }
  static Vector absolute(Vector v) { return _mm512_abs_ps(v); }
  static Vector minimum(Vector a, Vector b) { return _mm512_min_ps(a, b); }
  static Vector with_sign(Vector magnitude, Vector v) {
    constexpr int kFirstChoosesBits = 0xCA;  // of the second where it is 1, else of the third
    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(_mm512_set1_epi32(INT32_MIN),
                                                         _mm512_castps_si512(v),
                                                         _mm512_castps_si512(magnitude),
                                                         kFirstChoosesBits));
  }
  static Vector add_to_exponent(Vector v, Vector shifted) {
    return _mm512_castsi512_ps(_mm512_add_epi32(
        _mm512_castps_si512(v), _mm512_slli_epi32(_mm512_castps_si512(shifted), 23)));
  }
  static Vector permute(Vector rest,
                        const std::int32_t* mask,
                        Vector v,
                        const std::int32_t* lanes) {
    return _mm512_mask_permutexvar_ps(
        rest, _mm512_movepi32_mask(_mm512_loadu_si512(mask)), _mm512_loadu_si512(lanes), v);
  }
};

template <>
struct Simd512<double> {
  using Vector = __m512d;
  static constexpr Index kWidth = 8;

  static Vector zero() { return _mm512_setzero_pd(); }
  static Vector load(const double* p) { return _mm512_loadu_pd(p); }
  static void store(double* p, Vector v) { _mm512_storeu_pd(p, v); }
  static Vector broadcast(const double* p) { return _mm512_set1_pd(*p); }
  static Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_pd(a, b, c); }
  static Vector add(Vector a, Vector b) { return _mm512_add_pd(a, b); }
  static Vector multiply(Vector a, Vector b) { return _mm512_mul_pd(a, b); }
  static Vector permute(Vector rest,
                        const std::int32_t* mask,
                        Vector v,
                        const std::int32_t* lanes) {
    const auto load_integers = [](const std::int32_t* p) {
      return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    };
    return _mm512_mask_permutexvar_pd(rest,
                                      _mm256_movepi32_mask(load_integers(mask)),
                                      _mm512_cvtepi32_epi64(load_integers(lanes)),
                                      v);
  }
};

/// The widest vectors, and the tile of accumulators that their 32 registers hold.
template <typename Scalar>
using Simd = Simd512<Scalar>;
inline constexpr int kTileRows = 8;

#else

template <typename Scalar>
using Simd = Simd256<Scalar>;
inline constexpr int kTileRows = 6;

#endif

/// Sums over samples: sample n goes to lane n mod 16, and 16 lanes are added in one fixed tree
/// (lane i takes lane i + 8, then i + 4, i + 2, i + 1), whatever the vectors' width.
template <typename Scalar>
struct SampleLanes {
  using V = Simd<Scalar>;
  static constexpr Index kVectors = kSampleLanes / V::kWidth;

  typename V::Vector vectors[kVectors];

  SampleLanes() {
    for (Index i = 0; i < kVectors; ++i) vectors[i] = V::zero();
  }

  /// The i-th vector of samples, counted from a multiple of 16 samples.
  void add(Index i, typename V::Vector x) {
    vectors[i % kVectors] = V::add(vectors[i % kVectors], x);
  }
  void add_product(Index i, typename V::Vector x, typename V::Vector y) {
    vectors[i % kVectors] = V::fma(x, y, vectors[i % kVectors]);
  }

  Scalar sum() const {
    Scalar lanes[kSampleLanes];
    for (Index i = 0; i < kVectors; ++i) V::store(lanes + i * V::kWidth, vectors[i]);
    for (Index half = kSampleLanes / 2; half > 0; half /= 2) {
      for (Index i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    }
    return lanes[0];
  }
};

template <>
inline float SampleLanes<float>::sum() const {
#ifdef __AVX512F__
  const __m256 eight =
      _mm256_add_ps(_mm512_castps512_ps256(vectors[0]), _mm512_extractf32x8_ps(vectors[0], 1));
#else
  const __m256 eight = _mm256_add_ps(vectors[0], vectors[1]);
#endif
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

}  // namespace einsearch::EINSEARCH_ISA
