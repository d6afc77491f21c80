#include "nn/attention.h"

#include <algorithm>

#include "compute/elementwise.h"
#include "compute/product.h"
#include "compute/sequence_kernels.h"

namespace einsearch {
namespace {

/// Samples first ... first + count - 1.
template <typename Scalar>
BlockView<Scalar> samples(BlockView<Scalar> block, Index first, Index count) {
  return {block.data + first, block.features, count, block.stride};
}

/// A block as a matrix (features, samples).
template <typename Scalar>
MatrixView<Scalar> matrix(BlockView<Scalar> block) {
  return {block.data, block.features, block.samples, block.stride, 1};
}

/// Calls tile(first, count) for tiles of a sequence's positions.
template <typename Tile>
void for_each_tile(Index positions, const Tile& tile) {
  for (Index first = 0; first < positions; first += AttentionShape::kQueryTile) {
    tile(first, std::min(AttentionShape::kQueryTile, positions - first));
  }
}

/// Calls body(h, first sample of the sequence) for every head of every sequence.
template <typename Body>
void for_each_head(const AttentionShape& shape, const Body& body) {
  for (Index s = 0; s < shape.sequences; ++s) {
    for (Index h = 0; h < shape.heads; ++h) body(h, s * shape.positions);
  }
}

}  // namespace

template <typename Scalar>
void attention_forward(const AttentionShape& shape,
                       BlockView<const Scalar> queries,
                       BlockView<const Scalar> keys,
                       BlockView<const Scalar> values,
                       BlockView<Scalar> p,
                       BlockView<Scalar> o) {
  const ProductKernels<Scalar>& product = products<Scalar>();
  const Index d = shape.head_size, positions = shape.positions;
  for_each_head(shape, [&](Index h, Index sequence) {
    for_each_tile(positions, [&](Index first, Index count) {
      const Index seen = first + count;
      const auto k = samples(keys.rows(h * d, d), sequence, seen);
      const auto v = samples(values.rows(h * d, d), sequence, seen);
      const auto q = samples(queries.rows(h * d, d), sequence + first, count);
      const auto scores = samples(p.rows(h * positions, seen), sequence + first, count);
      product.multiply(matrix(k).transposed(), q, scores, Store::overwrite);
      sequence_kernels<Scalar>().causal_softmax(static_cast<Scalar>(shape.scale), first, scores);
      product.multiply(
          matrix(v), scores, samples(o.rows(h * d, d), sequence + first, count), Store::overwrite);
    });
  });
}

template <typename Scalar>
void attention_backward(const AttentionShape& shape,
                        BlockView<const Scalar> queries,
                        BlockView<const Scalar> keys,
                        BlockView<const Scalar> values,
                        BlockView<Scalar> p,
                        BlockView<const Scalar> d_o,
                        BlockView<Scalar> dqueries,
                        BlockView<Scalar> dkeys,
                        BlockView<Scalar> dvalues,
                        Scalar* scratch) {
  const ProductKernels<Scalar>& product = products<Scalar>();
  const Index d = shape.head_size, positions = shape.positions;
  for_each_head(shape, [&](Index h, Index sequence) {
    const auto head = [&](auto block) {
      return samples(block.rows(h * d, d), sequence, positions);
    };
    const auto q = head(queries), k = head(keys), v = head(values), dout = head(d_o);
    const auto dq = head(dqueries), dk = head(dkeys), dv = head(dvalues);
    const BlockView<Scalar> scores = samples(p.rows(h * positions, positions), sequence, positions);
    const auto accumulate_over_queries = [&](auto dz, BlockView<Scalar> gradient) {
      elementwise<Scalar>().fill(Scalar{0}, gradient);
      for_each_tile(positions, [&](Index first, Index count) {  // a tile of keys
        const Index left = positions - first;
        product.accumulate_outer(samples(dz, first, left),
                                 samples(scores.rows(first, count), first, left),
                                 matrix(samples(gradient, first, count)));
      });
    };

    accumulate_over_queries(dout, dv);
    for_each_tile(positions, [&](Index first, Index count) {
      const Index seen = first + count;
      const BlockView<Scalar> dp{scratch, seen, count, AttentionShape::kQueryTile};
      const BlockView<Scalar> ds = samples(scores.rows(0, seen), first, count);
      product.multiply(matrix(samples(v, 0, seen)).transposed(),
                       samples(dout, first, count),
                       dp,
                       Store::overwrite);
      sequence_kernels<Scalar>().softmax_backward(static_cast<Scalar>(shape.scale), dp, ds);
      product.multiply(
          matrix(samples(k, 0, seen)), ds, samples(dq, first, count), Store::overwrite);
    });
    accumulate_over_queries(q, dk);
  });
}

template void attention_forward<float>(const AttentionShape&,
                                       BlockView<const float>,
                                       BlockView<const float>,
                                       BlockView<const float>,
                                       BlockView<float>,
                                       BlockView<float>);
template void attention_forward<double>(const AttentionShape&,
                                        BlockView<const double>,
                                        BlockView<const double>,
                                        BlockView<const double>,
                                        BlockView<double>,
                                        BlockView<double>);
template void attention_backward<float>(const AttentionShape&,
                                        BlockView<const float>,
                                        BlockView<const float>,
                                        BlockView<const float>,
                                        BlockView<float>,
                                        BlockView<const float>,
                                        BlockView<float>,
                                        BlockView<float>,
                                        BlockView<float>,
                                        float*);
template void attention_backward<double>(const AttentionShape&,
                                         BlockView<const double>,
                                         BlockView<const double>,
                                         BlockView<const double>,
                                         BlockView<double>,
                                         BlockView<const double>,
                                         BlockView<double>,
                                         BlockView<double>,
                                         BlockView<double>,
                                         double*);

}  // namespace einsearch
