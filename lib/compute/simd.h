// The few vector operations that the product kernels need, for the instruction set that the
// including file is compiled for: 512-bit registers (AVX-512) or 256-bit ones (AVX2 and FMA).
// Only kernel files include this; everything lies in the namespace of the instruction set.
#pragma once

#include <immintrin.h>

#include "base/types.h"

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

  /// to[j * to_stride + i] = rows[i][j] for i, j < 8.
  static void transpose(const float* const* rows, float* to, Index to_stride) {
    Vector r[8], t[8];
    for (int i = 0; i < 8; ++i) r[i] = load(rows[i]);
    for (int i = 0; i < 4; ++i) {
      t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
      t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 2; ++i) {
      r[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
      r[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xEE);
      r[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
      r[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xEE);
    }
    for (int i = 0; i < 4; ++i) {
      store(to + i * to_stride, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
      store(to + (i + 4) * to_stride, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
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

  /// to[j * to_stride + i] = rows[i][j] for i, j < 4.
  static void transpose(const double* const* rows, double* to, Index to_stride) {
    for (int j = 0; j < 4; ++j) {
      for (int i = 0; i < 4; ++i) to[j * to_stride + i] = rows[i][j];
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

}  // namespace einsearch::EINSEARCH_ISA
