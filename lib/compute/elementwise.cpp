// Plain loops over contiguous samples, which the compiler turns into vector code; fused
// multiply-adds are written out, so that the bits do not depend on it. Sums over samples use
// kSampleLanes partial sums (sample n goes to lane n mod 16) and then one fixed tree. Sums over
// features run over up to 64 samples side by side, so that additions need not wait for each other.
//
// The file is compiled once for each instruction set; everything lies in its namespace.
#include "compute/elementwise.h"

#include <cmath>

#include "compute/gelu.h"
#include "compute/kernel_tables.h"
#include "compute/simd.h"

namespace einsearch::EINSEARCH_ISA {

template <typename Scalar>
struct Lanes {
  Scalar values[kSampleLanes] = {};
};

template <typename Scalar>
Scalar sum_lanes(Lanes<Scalar>& lanes) {
  for (Index half = kSampleLanes / 2; half > 0; half /= 2) {
    for (Index i = 0; i < half; ++i) lanes.values[i] += lanes.values[i + half];
  }
  return lanes.values[0];
}

/// Calls strip.operator()<samples>(first) for strips of 64, then 16 samples.
template <typename Strip>
void for_each_strip(Index padded, const Strip& strip) {
  Index n = 0;
  for (; n + 64 <= padded; n += 64) strip.template operator()<64>(n);
  for (; n < padded; n += kSampleLanes) strip.template operator()<kSampleLanes>(n);
}

template <typename Scalar>
void add_bias(const Scalar* bias, BlockView<Scalar> y) {
  for (Index f = 0; f < y.features; ++f) {
    Scalar* row = y.row(f);
    for (Index n = 0; n < y.padded(); ++n) row[n] += bias[f];
  }
}

template <typename Scalar>
void accumulate_bias_gradient(BlockView<const Scalar> dy, Scalar* dbias) {
  using V = Simd<Scalar>;
  for (Index f = 0; f < dy.features; ++f) {
    const Scalar* row = dy.row(f);
    SampleLanes<Scalar> sum;
    for (Index n = 0; n < dy.padded(); n += kSampleLanes) {
      for (Index i = 0; i < sum.kVectors; ++i) sum.add(i, V::load(row + n + i * V::kWidth));
    }
    dbias[f] += sum.sum();
  }
}

template <typename Scalar>
void gelu(BlockView<const Scalar> x, BlockView<Scalar> y, BlockView<Scalar> slope) {
  for (Index f = 0; f < x.features; ++f) gelu_row(x.row(f), y.row(f), slope.row(f), x.padded());
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
  for (Index f = 0; f < y.features; ++f) {
    const Scalar* from = x.row(f);
    Scalar* row = y.row(f);
    for (Index n = 0; n < y.padded(); ++n) row[n] += from[n];
  }
}

template <typename Scalar>
void copy(BlockView<const Scalar> x, BlockView<Scalar> y) {
  for (Index f = 0; f < y.features; ++f) {
    const Scalar* from = x.row(f);
    Scalar* row = y.row(f);
    for (Index n = 0; n < y.padded(); ++n) row[n] = from[n];
  }
}

template <typename Scalar>
void fill(Scalar value, BlockView<Scalar> y) {
  for (Index f = 0; f < y.features; ++f) {
    Scalar* row = y.row(f);
    for (Index n = 0; n < y.padded(); ++n) row[n] = value;
  }
}

template <typename Scalar>
void scaled_relu(Scalar scale, BlockView<Scalar> y) {
  for (Index f = 0; f < y.features; ++f) {
    Scalar* row = y.row(f);
    for (Index n = 0; n < y.padded(); ++n) row[n] = (row[n] > 0 ? row[n] : Scalar{0}) * scale;
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
  for_each_strip(x.padded(), [&]<Index kSamples>(Index n) {
    Scalar mean[kSamples] = {}, variance[kSamples] = {};
    for (Index f = 0; f < x.features; ++f) {
      const Scalar* row = x.row(f) + n;
      for (Index i = 0; i < kSamples; ++i) mean[i] += row[i];
    }
    for (Index i = 0; i < kSamples; ++i) mean[i] *= share;
    for (Index f = 0; f < x.features; ++f) {
      const Scalar* row = x.row(f) + n;
      for (Index i = 0; i < kSamples; ++i) {
        const Scalar centred = row[i] - mean[i];
        variance[i] = std::fma(centred, centred, variance[i]);
      }
    }
    Scalar* inverse = inverse_deviation.data + n;
    for (Index i = 0; i < kSamples; ++i) {
      inverse[i] =
          Scalar{1} / std::sqrt(variance[i] * share + static_cast<Scalar>(kLayerNormEpsilon));
    }
    for (Index f = 0; f < x.features; ++f) {
      const Scalar* row = x.row(f) + n;
      Scalar* standard = normalised.row(f) + n;
      Scalar* out = y.row(f) + n;
      const Scalar scale = gain[f], shift = bias[f];
      for (Index i = 0; i < kSamples; ++i) {
        const Scalar value = (row[i] - mean[i]) * inverse[i];
        standard[i] = value;
        out[i] = std::fma(scale, value, shift);
      }
    }
  });
}

template <typename Scalar>
void layer_norm_backward(BlockView<const Scalar> normalised,
                         BlockView<const Scalar> inverse_deviation,
                         const Scalar* gain,
                         BlockView<const Scalar> dy,
                         BlockView<Scalar> dx,
                         Store store,
                         Scalar* dgain,
                         Scalar* dbias) {
  using V = Simd<Scalar>;
  const Scalar share = Scalar{1} / static_cast<Scalar>(dy.features);
  for_each_strip(dy.padded(), [&]<Index kSamples>(Index n) {
    constexpr Index kVectors = kSamples / V::kWidth;
    typename V::Vector means[kVectors], projections[kVectors];
    for (Index i = 0; i < kVectors; ++i) means[i] = projections[i] = V::zero();
    for (Index f = 0; f < dy.features; ++f) {
      const Scalar* gradient = dy.row(f) + n;
      const Scalar* standard = normalised.row(f) + n;
      const typename V::Vector scale = V::broadcast(gain + f);
      SampleLanes<Scalar> gain_sum, bias_sum;
      for (Index i = 0; i < kVectors; ++i) {
        const auto d = V::load(gradient + i * V::kWidth), s = V::load(standard + i * V::kWidth);
        const auto h = V::multiply(d, scale);
        means[i] = V::add(means[i], h);
        projections[i] = V::fma(h, s, projections[i]);
        gain_sum.add_product(i, d, s);
        bias_sum.add(i, d);
      }
      dgain[f] += gain_sum.sum();
      dbias[f] += bias_sum.sum();
    }
    Scalar mean[kSamples], projection[kSamples];
    for (Index i = 0; i < kVectors; ++i) {
      V::store(mean + i * V::kWidth, means[i]);
      V::store(projection + i * V::kWidth, projections[i]);
    }
    for (Index i = 0; i < kSamples; ++i) {
      mean[i] *= share;
      projection[i] *= share;
    }
    const Scalar* inverse = inverse_deviation.data + n;
    const bool is_accumulated = store == Store::accumulate;
    for (Index f = 0; f < dy.features; ++f) {
      const Scalar* gradient = dy.row(f) + n;
      const Scalar* standard = normalised.row(f) + n;
      Scalar* out = dx.row(f) + n;
      const Scalar scale = gain[f];
      for (Index i = 0; i < kSamples; ++i) {
        const Scalar h = gradient[i] * scale;
        const Scalar change = inverse[i] * std::fma(-standard[i], projection[i], h - mean[i]);
        out[i] = is_accumulated ? out[i] + change : change;
      }
    }
  });
}

template <typename Scalar>
double squared_error(BlockView<const Scalar> y,
                     BlockView<const Scalar> target,
                     double scale,
                     BlockView<Scalar> dy) {
  double sum = 0;
  for (Index f = 0; f < y.features; ++f) {
    Scalar* gradient = dy.row(f);
    for (Index n = y.samples; n < y.padded(); ++n) gradient[n] = 0;
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
void sgd(const MomentumStep& options,
         Index size,
         Scalar* parameter,
         const Scalar* gradient,
         Scalar* moment) {
  const auto keep = static_cast<Scalar>(1 - options.rate * options.decay);
  const auto beta = static_cast<Scalar>(options.beta1), rate = static_cast<Scalar>(options.rate);
  const auto gradient_scale = static_cast<Scalar>(options.gradient_scale);
  for (Index i = 0; i < size; ++i) {
    const Scalar m = std::fma(beta, moment[i], gradient[i] * gradient_scale);
    moment[i] = m;
    parameter[i] = std::fma(-rate, m, parameter[i] * keep);
  }
}

template <typename Scalar>
void lion(const MomentumStep& options,
          Index size,
          Scalar* parameter,
          const Scalar* gradient,
          Scalar* moment) {
  const auto keep = static_cast<Scalar>(1 - options.rate * options.decay);
  const auto rate = static_cast<Scalar>(options.rate);
  const auto beta1 = static_cast<Scalar>(options.beta1),
             new1 = static_cast<Scalar>(1 - options.beta1);
  const auto beta2 = static_cast<Scalar>(options.beta2),
             new2 = static_cast<Scalar>(1 - options.beta2);
  const auto gradient_scale = static_cast<Scalar>(options.gradient_scale);
  for (Index i = 0; i < size; ++i) {
    const Scalar g = gradient[i] * gradient_scale, m = moment[i];
    const Scalar direction = std::fma(beta1, m, new1 * g);
    const Scalar sign = direction > 0 ? Scalar{1} : direction < 0 ? Scalar{-1} : Scalar{0};
    moment[i] = std::fma(beta2, m, new2 * g);
    parameter[i] = std::fma(-rate, sign, parameter[i] * keep);
  }
}

template <typename Scalar>
double dot(const Scalar* a, const Scalar* b, Index size) {
  Lanes<double> lanes;
  Index i = 0;
  for (; i + kSampleLanes <= size; i += kSampleLanes) {
    for (Index l = 0; l < kSampleLanes; ++l) {
      double& lane = lanes.values[l];
      lane = std::fma(static_cast<double>(a[i + l]), static_cast<double>(b[i + l]), lane);
    }
  }
  for (; i < size; ++i) {
    lanes.values[0] =
        std::fma(static_cast<double>(a[i]), static_cast<double>(b[i]), lanes.values[0]);
  }
  return sum_lanes(lanes);
}

template <typename Scalar>
double sum_of_squares(const Scalar* values, Index size) {
  return dot(values, values, size);
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

const ElementwiseKernels<float> kElementwiseFloat = {
    add_bias<float>,
    accumulate_bias_gradient<float>,
    gelu<float>,
    multiply_elements<float>,
    add<float>,
    copy<float>,
    fill<float>,
    scaled_relu<float>,
    layer_norm<float>,
    layer_norm_backward<float>,
    squared_error<float>,
    adamw<float>,
    sgd<float>,
    lion<float>,
    sum_of_squares<float>,
    dot<float>,
    accumulate<float>,
    combine<float>,
    scale_into<float>,
};
const ElementwiseKernels<double> kElementwiseDouble = {
    add_bias<double>,
    accumulate_bias_gradient<double>,
    gelu<double>,
    multiply_elements<double>,
    add<double>,
    copy<double>,
    fill<double>,
    scaled_relu<double>,
    layer_norm<double>,
    layer_norm_backward<double>,
    squared_error<double>,
    adamw<double>,
    sgd<double>,
    lion<double>,
    sum_of_squares<double>,
    dot<double>,
    accumulate<double>,
    combine<double>,
    scale_into<double>,
};

}  // namespace einsearch::EINSEARCH_ISA
