// Element-wise passes over blocks of activations, each with its backward. Everything runs over the
// padded lanes too.
#pragma once

#include "compute/block.h"
#include "compute/product.h"

namespace einsearch {

inline constexpr double kLayerNormEpsilon = 1e-5;

/// Decoupled weight decay Adam (Loshchilov and Hutter 2019), one pass:
///   p -= rate * decay * p;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
///   p -= rate / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + epsilon)
struct AdamWStep {
  double rate;   ///< learning rate of this tensor at this step
  double decay;  ///< weight decay of this tensor
  double beta1;
  double beta2;
  double epsilon;
  Count step;             ///< t, from 1
  double gradient_scale;  ///< from clipping: g is multiplied by it first
};

/// Numbers of one update with momentum; gradients are multiplied by gradient_scale first.
struct MomentumStep {
  double rate;
  double decay;
  double beta1;
  double beta2;  ///< lion only
  double gradient_scale;
};

/// The passes of one instruction set.
template <typename Scalar>
struct ElementwiseKernels {
  /// y[f, :] += bias[f]
  void (*add_bias)(const Scalar* bias, BlockView<Scalar> y);

  /// dbias[f] += sum_n dy[f, n]
  void (*accumulate_bias_gradient)(BlockView<const Scalar> dy, Scalar* dbias);

  /// y = x Phi(x) and slope = Phi(x) + x phi(x), exact GELU (Phi: normal distribution, phi: its
  /// density). float: a polynomial of absolute error below 1e-6 (compute/gelu.h); double: the
  /// library's erf. x and y may be the same block.
  void (*gelu)(BlockView<const Scalar> x, BlockView<Scalar> y, BlockView<Scalar> slope);

  /// y *= x, element by element
  void (*multiply_elements)(BlockView<const Scalar> x, BlockView<Scalar> y);

  /// y += x
  void (*add)(BlockView<const Scalar> x, BlockView<Scalar> y);

  /// y = x
  void (*copy)(BlockView<const Scalar> x, BlockView<Scalar> y);

  void (*fill)(Scalar value, BlockView<Scalar> y);

  /// y = max(x, 0) * scale
  void (*scaled_relu)(Scalar scale, BlockView<Scalar> y);

  /// Layer norm over features, for each sample (Ba, Kiros and Hinton 2016):
  ///   normalised = (x - mean) * inverse_deviation,  y = gain * normalised + bias
  /// normalised (F, N) and inverse_deviation (1, N) are kept for the backward pass; x and
  /// normalised may be the same block.
  void (*layer_norm)(BlockView<const Scalar> x,
                     const Scalar* gain,
                     const Scalar* bias,
                     BlockView<Scalar> normalised,
                     BlockView<Scalar> inverse_deviation,
                     BlockView<Scalar> y);

  /// With h = dy * gain and means over features:
  ///   dx = inverse_deviation * (h - mean(h) - normalised * mean(h * normalised))
  ///   dgain += sum_n dy * normalised,  dbias += sum_n dy
  /// dx is overwritten or added to; dx and dy may be the same block.
  void (*layer_norm_backward)(BlockView<const Scalar> normalised,
                              BlockView<const Scalar> inverse_deviation,
                              const Scalar* gain,
                              BlockView<const Scalar> dy,
                              BlockView<Scalar> dx,
                              Store store,
                              Scalar* dgain,
                              Scalar* dbias);

  /// Loss and gradient of the mean squared error: returns sum over targets and samples of (y - t)^2
  /// in double, and sets dy = 2 scale (y - t), zero in the padding lanes.
  double (*squared_error)(BlockView<const Scalar> y,
                          BlockView<const Scalar> target,
                          double scale,
                          BlockView<Scalar> dy);

  /// One pass of AdamW over `size` numbers.
  void (*adamw)(const AdamWStep& options,
                Index size,
                Scalar* parameter,
                const Scalar* gradient,
                Scalar* first_moment,
                Scalar* second_moment);

  /// m = b1 m + g,  p = (1 - rate decay) p - rate m
  void (*sgd)(const MomentumStep& options,
              Index size,
              Scalar* parameter,
              const Scalar* gradient,
              Scalar* moment);

  /// p = (1 - rate decay) p - rate sign(b1 m + (1 - b1) g),  then m = b2 m + (1 - b2) g
  void (*lion)(const MomentumStep& options,
               Index size,
               Scalar* parameter,
               const Scalar* gradient,
               Scalar* moment);

  /// Sum of squares in a fixed order, in double.
  double (*sum_of_squares)(const Scalar* values, Index size);

  /// sum_i a[i] b[i] in a fixed order, in double.
  double (*dot)(const Scalar* a, const Scalar* b, Index size);

  /// y[i] += x[i]
  void (*accumulate)(const Scalar* x, Scalar* y, Index size);

  /// y[i] = a x[i] + b y[i]
  void (*combine)(double a, const Scalar* x, double b, Scalar* y, Index size);

  /// y[i] = scale * x[i]
  void (*scale_into)(double scale, const Scalar* x, Scalar* y, Index size);
};

/// Those of the active instruction set (compute/isa.h).
template <typename Scalar>
const ElementwiseKernels<Scalar>& elementwise();

}  // namespace einsearch
