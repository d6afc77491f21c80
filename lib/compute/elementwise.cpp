// Plain loops over contiguous samples, which the compiler turns into vector code; fused
// multiply-adds are written out, so that the bits do not depend on it. Sums over samples use
// kSampleLanes partial sums (sample n goes to lane n mod 16) and then one fixed tree.
#include "compute/elementwise.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace einsearch {
namespace {

template <typename Scalar>
using Lanes = std::array<Scalar, kSampleLanes>;

template <typename Scalar>
Scalar sum_lanes(Lanes<Scalar>& lanes) {
  for (std::size_t half = lanes.size() / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

template <typename Scalar>
Scalar sum_row(const Scalar* x, Index padded) {
  Lanes<Scalar> lanes{};
  for (Index n = 0; n < padded; n += kSampleLanes) {
    for (Index i = 0; i < kSampleLanes; ++i) lanes[static_cast<std::size_t>(i)] += x[n + i];
  }
  return sum_lanes(lanes);
}

template <typename Scalar>
Scalar dot_row(const Scalar* x, const Scalar* y, Index padded) {
  Lanes<Scalar> lanes{};
  for (Index n = 0; n < padded; n += kSampleLanes) {
    for (Index i = 0; i < kSampleLanes; ++i) {
      Scalar& lane = lanes[static_cast<std::size_t>(i)];
      lane = std::fma(x[n + i], y[n + i], lane);
    }
  }
  return sum_lanes(lanes);
}

/// e^x for x <= 0: x = n ln 2 + r, a polynomial in r (Cephes expf), 2^n put into the exponent bits.
inline float exp_of_negative(float x) {
  constexpr float kRoundToInteger = 12582912.0f;  // 1.5 * 2^23
  x = std::max(x, -87.0f);
  const float shifted = std::fma(x, std::numbers::log2e_v<float>, kRoundToInteger);
  const float n = shifted - kRoundToInteger;
  float r = std::fma(n, -0.693359375f, x);
  r = std::fma(n, 2.12194440e-4f, r);
  float p = 1.9875691500e-4f;
  p = std::fma(p, r, 1.3981999507e-3f);
  p = std::fma(p, r, 8.3334519073e-3f);
  p = std::fma(p, r, 4.1665795894e-2f);
  p = std::fma(p, r, 1.6666665459e-1f);
  p = std::fma(p, r, 5.0000001201e-1f);
  p = std::fma(p, r * r, r) + 1.0f;
  const std::uint32_t exponent =
      (std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(kRoundToInteger) + 127u)
      << 23;
  return p * std::bit_cast<float>(exponent);
}

/// Phi(x) and phi(x). The tail is exp(-x^2/2) times a polynomial in 1 / (1 + c |x|): Abramowitz and
/// Stegun 7.1.26, absolute error of Phi below 1e-7.
inline void normal_distribution(float x, float& probability, float& density) {
  const float size = std::abs(x);
  const float e = exp_of_negative(-0.5f * x * x);
  const float t = 1.0f / std::fma(size, 0.3275911f / std::numbers::sqrt2_v<float>, 1.0f);
  float p = 0.5f * 1.061405429f;
  p = std::fma(p, t, 0.5f * -1.453152027f);
  p = std::fma(p, t, 0.5f * 1.421413741f);
  p = std::fma(p, t, 0.5f * -0.284496736f);
  p = std::fma(p, t, 0.5f * 0.254829592f);
  const float tail = p * t * e;
  probability = x < 0 ? tail : 1.0f - tail;
  density = e * (0.5f * std::numbers::sqrt2_v<float> * std::numbers::inv_sqrtpi_v<float>);
}

inline void normal_distribution(double x, double& probability, double& density) {
  probability = 0.5 * std::erfc(-x * (0.5 * std::numbers::sqrt2));
  density = std::exp(-0.5 * x * x) * (0.5 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
}

}  // namespace

template <typename Scalar>
void add_bias(const Scalar* bias, BlockView<Scalar> y) {
  for (Index f = 0; f < y.features; ++f) {
    Scalar* row = y.row(f);
    for (Index n = 0; n < y.padded(); ++n) row[n] += bias[f];
  }
}

template <typename Scalar>
void accumulate_bias_gradient(BlockView<const Scalar> dy, Scalar* dbias) {
  for (Index f = 0; f < dy.features; ++f) dbias[f] += sum_row(dy.row(f), dy.padded());
}

template <typename Scalar>
void gelu(BlockView<const Scalar> x, BlockView<Scalar> y, BlockView<Scalar> slope) {
  for (Index f = 0; f < x.features; ++f) {
    const Scalar* in = x.row(f);
    Scalar* out = y.row(f);
    Scalar* derivative = slope.row(f);
    for (Index n = 0; n < x.padded(); ++n) {
      const Scalar value = in[n];
      Scalar probability, density;
      normal_distribution(value, probability, density);
      derivative[n] = std::fma(value, density, probability);
      out[n] = value * probability;
    }
  }
}

template <typename Scalar>
void multiply_elements(BlockView<const Scalar> x, BlockView<Scalar> y) {
  for (Index f = 0; f < y.features; ++f) {
    const Scalar* factor = x.row(f);
    Scalar* row = y.row(f);
    for (Index n = 0; n < y.padded(); ++n) row[n] *= factor[n];
  }
}

template <typename Scalar>
void add(BlockView<const Scalar> x, BlockView<Scalar> y) {
  for (Index f = 0; f < y.features; ++f) accumulate(x.row(f), y.row(f), y.padded());
}

template <typename Scalar>
void copy(BlockView<const Scalar> x, BlockView<Scalar> y) {
  for (Index f = 0; f < y.features; ++f) std::copy_n(x.row(f), y.padded(), y.row(f));
}

template <typename Scalar>
void fill(Scalar value, BlockView<Scalar> y) {
  for (Index f = 0; f < y.features; ++f) std::fill_n(y.row(f), y.padded(), value);
}

template <typename Scalar>
void scaled_relu(Scalar scale, BlockView<Scalar> y) {
  for (Index f = 0; f < y.features; ++f) {
    Scalar* row = y.row(f);
    for (Index n = 0; n < y.padded(); ++n) row[n] = std::max(row[n], Scalar{0}) * scale;
  }
}

template <typename Scalar>
void layer_norm(BlockView<const Scalar> x,
                const Scalar* gain,
                const Scalar* bias,
                BlockView<Scalar> normalised,
                BlockView<Scalar> inverse_deviation,
                BlockView<Scalar> y) {
  const Scalar share = Scalar{1} / static_cast<Scalar>(x.features);
  for (Index n = 0; n < x.padded(); n += kSampleLanes) {
    Lanes<Scalar> mean{}, variance{};
    for (Index f = 0; f < x.features; ++f) {
      const Scalar* row = x.row(f) + n;
      for (std::size_t i = 0; i < kSampleLanes; ++i) mean[i] += row[i];
    }
    for (Scalar& m : mean) m *= share;
    for (Index f = 0; f < x.features; ++f) {
      const Scalar* row = x.row(f) + n;
      for (std::size_t i = 0; i < kSampleLanes; ++i) {
        const Scalar centred = row[i] - mean[i];
        variance[i] = std::fma(centred, centred, variance[i]);
      }
    }
    Scalar* inverse = inverse_deviation.data + n;
    for (std::size_t i = 0; i < kSampleLanes; ++i) {
      inverse[i] =
          Scalar{1} / std::sqrt(variance[i] * share + static_cast<Scalar>(kLayerNormEpsilon));
    }
    for (Index f = 0; f < x.features; ++f) {
      const Scalar* row = x.row(f) + n;
      Scalar* standard = normalised.row(f) + n;
      Scalar* out = y.row(f) + n;
      for (std::size_t i = 0; i < kSampleLanes; ++i) {
        standard[i] = (row[i] - mean[i]) * inverse[i];
        out[i] = std::fma(gain[f], standard[i], bias[f]);
      }
    }
  }
}

template <typename Scalar>
void layer_norm_backward(BlockView<const Scalar> normalised,
                         BlockView<const Scalar> inverse_deviation,
                         const Scalar* gain,
                         BlockView<const Scalar> dy,
                         BlockView<Scalar> dx,
                         Scalar* dgain,
                         Scalar* dbias) {
  for (Index f = 0; f < dy.features; ++f) {
    dgain[f] += dot_row(dy.row(f), normalised.row(f), dy.padded());
    dbias[f] += sum_row(dy.row(f), dy.padded());
  }
  const Scalar share = Scalar{1} / static_cast<Scalar>(dy.features);
  for (Index n = 0; n < dy.padded(); n += kSampleLanes) {
    Lanes<Scalar> mean{}, projection{};
    for (Index f = 0; f < dy.features; ++f) {
      const Scalar* gradient = dy.row(f) + n;
      const Scalar* standard = normalised.row(f) + n;
      for (std::size_t i = 0; i < kSampleLanes; ++i) {
        const Scalar h = gradient[i] * gain[f];
        mean[i] += h;
        projection[i] = std::fma(h, standard[i], projection[i]);
      }
    }
    for (std::size_t i = 0; i < kSampleLanes; ++i) {
      mean[i] *= share;
      projection[i] *= share;
    }
    const Scalar* inverse = inverse_deviation.data + n;
    for (Index f = 0; f < dy.features; ++f) {
      const Scalar* gradient = dy.row(f) + n;
      const Scalar* standard = normalised.row(f) + n;
      Scalar* out = dx.row(f) + n;
      for (std::size_t i = 0; i < kSampleLanes; ++i) {
        const Scalar h = gradient[i] * gain[f];
        out[i] = inverse[i] * std::fma(-standard[i], projection[i], h - mean[i]);
      }
    }
  }
}

template <typename Scalar>
double squared_error(BlockView<const Scalar> y,
                     BlockView<const Scalar> target,
                     double scale,
                     BlockView<Scalar> dy) {
  double sum = 0;
  for (Index f = 0; f < y.features; ++f) {
    Scalar* gradient = dy.row(f);
    std::fill(gradient + y.samples, gradient + y.padded(), Scalar{0});
    for (Index n = 0; n < y.samples; ++n) {
      const double error = static_cast<double>(y.row(f)[n]) - static_cast<double>(target.row(f)[n]);
      sum += error * error;
      gradient[n] = static_cast<Scalar>(2 * scale * error);
    }
  }
  return sum;
}

template <typename Scalar>
void adamw(const AdamWStep& options,
           Index size,
           Scalar* parameter,
           const Scalar* gradient,
           Scalar* first_moment,
           Scalar* second_moment) {
  const auto t = static_cast<double>(options.step);
  const auto keep = static_cast<Scalar>(1 - options.rate * options.decay);
  const auto beta1 = static_cast<Scalar>(options.beta1),
             new1 = static_cast<Scalar>(1 - options.beta1);
  const auto beta2 = static_cast<Scalar>(options.beta2),
             new2 = static_cast<Scalar>(1 - options.beta2);
  const auto step_size = static_cast<Scalar>(options.rate / (1 - std::pow(options.beta1, t)));
  const auto inverse_correction =
      static_cast<Scalar>(1 / std::sqrt(1 - std::pow(options.beta2, t)));
  const auto epsilon = static_cast<Scalar>(options.epsilon);
  const auto gradient_scale = static_cast<Scalar>(options.gradient_scale);
  for (Index i = 0; i < size; ++i) {
    const Scalar g = gradient[i] * gradient_scale;
    const Scalar m = std::fma(beta1, first_moment[i], new1 * g);
    const Scalar v = std::fma(beta2, second_moment[i], new2 * g * g);
    first_moment[i] = m;
    second_moment[i] = v;
    const Scalar denominator = std::fma(std::sqrt(v), inverse_correction, epsilon);
    parameter[i] = std::fma(-step_size, m / denominator, parameter[i] * keep);
  }
}

template <typename Scalar>
double sum_of_squares(const Scalar* values, Index size) {
  return dot(values, values, size);
}

template <typename Scalar>
double dot(const Scalar* a, const Scalar* b, Index size) {
  Lanes<double> lanes{};
  Index i = 0;
  for (; i + kSampleLanes <= size; i += kSampleLanes) {
    for (Index l = 0; l < kSampleLanes; ++l) {
      double& lane = lanes[static_cast<std::size_t>(l)];
      lane = std::fma(static_cast<double>(a[i + l]), static_cast<double>(b[i + l]), lane);
    }
  }
  for (; i < size; ++i)
    lanes[0] = std::fma(static_cast<double>(a[i]), static_cast<double>(b[i]), lanes[0]);
  return sum_lanes(lanes);
}

template <typename Scalar>
void accumulate(const Scalar* x, Scalar* y, Index size) {
  for (Index i = 0; i < size; ++i) y[i] += x[i];
}

template <typename Scalar>
void combine(double a, const Scalar* x, double b, Scalar* y, Index size) {
  const auto of_x = static_cast<Scalar>(a), of_y = static_cast<Scalar>(b);
  for (Index i = 0; i < size; ++i) y[i] = std::fma(of_x, x[i], of_y * y[i]);
}

template <typename Scalar>
void scale_into(double scale, const Scalar* x, Scalar* y, Index size) {
  const auto factor = static_cast<Scalar>(scale);
  for (Index i = 0; i < size; ++i) y[i] = factor * x[i];
}

#define EINSEARCH_INSTANTIATE(Scalar)                                                             \
  template void add_bias<Scalar>(const Scalar*, BlockView<Scalar>);                               \
  template void accumulate_bias_gradient<Scalar>(BlockView<const Scalar>, Scalar*);               \
  template void gelu<Scalar>(BlockView<const Scalar>, BlockView<Scalar>, BlockView<Scalar>);      \
  template void multiply_elements<Scalar>(BlockView<const Scalar>, BlockView<Scalar>);            \
  template void add<Scalar>(BlockView<const Scalar>, BlockView<Scalar>);                          \
  template void copy<Scalar>(BlockView<const Scalar>, BlockView<Scalar>);                         \
  template void fill<Scalar>(Scalar, BlockView<Scalar>);                                          \
  template void scaled_relu<Scalar>(Scalar, BlockView<Scalar>);                                   \
  template void layer_norm<Scalar>(BlockView<const Scalar>,                                       \
                                   const Scalar*,                                                 \
                                   const Scalar*,                                                 \
                                   BlockView<Scalar>,                                             \
                                   BlockView<Scalar>,                                             \
                                   BlockView<Scalar>);                                            \
  template void layer_norm_backward<Scalar>(BlockView<const Scalar>,                              \
                                            BlockView<const Scalar>,                              \
                                            const Scalar*,                                        \
                                            BlockView<const Scalar>,                              \
                                            BlockView<Scalar>,                                    \
                                            Scalar*,                                              \
                                            Scalar*);                                             \
  template double squared_error<Scalar>(                                                          \
      BlockView<const Scalar>, BlockView<const Scalar>, double, BlockView<Scalar>);               \
  template void adamw<Scalar>(const AdamWStep&, Index, Scalar*, const Scalar*, Scalar*, Scalar*); \
  template double sum_of_squares<Scalar>(const Scalar*, Index);                                   \
  template double dot<Scalar>(const Scalar*, const Scalar*, Index);                               \
  template void accumulate<Scalar>(const Scalar*, Scalar*, Index);                                \
  template void combine<Scalar>(double, const Scalar*, double, Scalar*, Index);                   \
  template void scale_into<Scalar>(double, const Scalar*, Scalar*, Index)

EINSEARCH_INSTANTIATE(float);
EINSEARCH_INSTANTIATE(double);

#undef EINSEARCH_INSTANTIATE

}  // namespace einsearch
