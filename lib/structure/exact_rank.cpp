#include "structure/exact_rank.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/random.h"

namespace einsearch {
namespace {

constexpr std::uint64_t kPrime = (std::uint64_t{1} << 31) - 1;
constexpr Count kMostEntries = Count{1} << 26;

using Residues = std::vector<std::uint32_t>;

std::size_t unsigned_of(Index n) { return static_cast<std::size_t>(n); }

/// x mod 2^31 - 1 for x < 2^62: the high and low 31 bits add up.
std::uint32_t reduce(std::uint64_t x) {
  x = (x & kPrime) + (x >> 31);
  return static_cast<std::uint32_t>(x >= kPrime ? x - kPrime : x);
}

std::uint32_t multiply(std::uint32_t a, std::uint32_t b) {
  return reduce(static_cast<std::uint64_t>(a) * b);
}

/// 1 / a by Fermat's little theorem.
std::uint32_t inverse(std::uint32_t a) {
  std::uint32_t result = 1;
  for (std::uint64_t exponent = kPrime - 2; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = multiply(result, a);
    a = multiply(a, a);
  }
  return result;
}

Residues draw(std::size_t size, std::uint64_t seed, std::uint32_t factor) {
  const RandomStream random(seed, StreamId::exact_rank, factor);
  Residues values(size);
  for (std::size_t i = 0; i < size; ++i) {
    values[i] = static_cast<std::uint32_t>(random.bits(i) % kPrime);
  }
  return values;
}

/// Rows are the outputs that the layer keeps, columns the inputs that it sees.
struct Matrix {
  std::size_t rows;
  std::size_t columns;
  Residues entries;

  std::uint32_t* row(std::size_t i) { return entries.data() + i * columns; }
};

Matrix einsum_matrix(const LayerShape& shape, std::uint64_t seed) {
  const Sizes& s = shape.sizes;
  const std::size_t alpha = unsigned_of(s.n_alpha), beta = unsigned_of(s.n_beta),
                    gamma = unsigned_of(s.n_gamma), delta = unsigned_of(s.n_delta),
                    epsilon = unsigned_of(s.n_epsilon), phi = unsigned_of(s.n_phi),
                    rho = unsigned_of(s.n_rho);
  const Residues a = draw(phi * delta * rho * gamma * alpha, seed, 0);
  const Residues b = draw(phi * epsilon * rho * gamma * beta, seed, 1);
  const std::size_t rows = unsigned_of(std::min(shape.d_out, s.pad_out()));
  const std::size_t columns = unsigned_of(std::min(shape.d_in, s.pad_in()));
  Matrix matrix{rows, columns, Residues(rows * columns)};
  for (std::size_t out = 0; out < rows; ++out) {
    const std::size_t d = out % delta, e = out / delta % epsilon, f = out / delta / epsilon;
    for (std::size_t in = 0; in < columns; ++in) {
      const std::size_t i = in % alpha, j = in / alpha % beta, g = in / alpha / beta;
      std::uint64_t sum = 0;
      for (std::size_t r = 0; r < rho; ++r) {
        sum += multiply(a[(((f * delta + d) * rho + r) * gamma + g) * alpha + i],
                        b[(((f * epsilon + e) * rho + r) * gamma + g) * beta + j]);
      }
      matrix.entries[out * columns + in] = reduce(sum);
    }
  }
  return matrix;
}

Matrix dense_matrix(const LayerShape& shape, std::uint64_t seed) {
  const std::size_t rows = unsigned_of(shape.d_out);
  const std::size_t columns = unsigned_of(shape.d_in);
  return {rows, columns, draw(rows * columns, seed, 0)};
}

/// target -= (target[from] / pivot[from]) pivot, from that column on.
void eliminate(std::uint32_t* target,
               const std::uint32_t* pivot,
               std::uint32_t pivot_inverse,
               std::size_t from,
               std::size_t columns) {
  if (target[from] == 0) return;
  const std::uint64_t factor = kPrime - multiply(target[from], pivot_inverse);
  for (std::size_t column = from; column < columns; ++column) {
    target[column] = reduce(target[column] + factor * pivot[column]);
  }
}

Count rank_of(Matrix matrix) {
  std::size_t rank = 0;
  for (std::size_t column = 0; column < matrix.columns && rank < matrix.rows; ++column) {
    std::size_t found = rank;
    while (found < matrix.rows && matrix.row(found)[column] == 0) ++found;
    if (found == matrix.rows) continue;
    if (found != rank) {
      std::swap_ranges(matrix.row(found), matrix.row(found) + matrix.columns, matrix.row(rank));
    }
    const std::uint32_t* pivot = matrix.row(rank);
    const std::uint32_t pivot_inverse = inverse(pivot[column]);
    for (std::size_t row = rank + 1; row < matrix.rows; ++row) {
      eliminate(matrix.row(row), pivot, pivot_inverse, column, matrix.columns);
    }
    ++rank;
  }
  return static_cast<Count>(rank);
}

}  // namespace

Count exact_rank(const LayerShape& shape, std::uint64_t seed) {
  if (shape.d_in > kMostEntries / shape.d_out) {
    throw Error("layer too large for its exact rank",
                {.expected = fmt::format("d_in d_out of at most {}", kMostEntries),
                 .got = fmt::format("{} x {}", shape.d_in, shape.d_out),
                 .hint = "the column rank is a bound that almost all factors reach"});
  }
  return rank_of(shape.is_dense ? dense_matrix(shape, seed) : einsum_matrix(shape, seed));
}

}  // namespace einsearch
