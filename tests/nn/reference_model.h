// Reading the golden files of whole models: the reference's names and storage of tensors against
// ours.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "nn/parameters.h"

namespace einsearch {

inline const ParameterInfo& find_tensor(const ParameterLayout& layout, const std::string& name) {
  for (const ParameterInfo& tensor : layout.tensors()) {
    if (tensor.name == name) return tensor;
  }
  FAIL("no tensor " << name);
  return layout.tensors().front();
}

/// Index in the reference's storage of element i of ours. Dense weights of a structured build are
/// (in, out) there; factors with beta = delta = 1 are (gamma, alpha, phi rho) and (phi, gamma rho,
/// epsilon); with experts in front of our axes, (gamma, alpha, phi experts) and (phi, gamma
/// experts, epsilon).
inline Index reference_index(const ParameterInfo& tensor, bool is_transposed_dense, Index i) {
  const auto& s = tensor.shape;
  if (s.size() == 2 && is_transposed_dense) return i % s[1] * s[0] + i / s[1];
  if (s.size() == 6) {
    const Index alpha = s[5], gamma = s[4], epsilon = s[2], phi = s[1], experts = s[0];
    if (tensor.name.ends_with(".A")) {
      const Index a = i % alpha, g = i / alpha % gamma, f = i / alpha / gamma % phi;
      return ((g * alpha + a) * phi + f) * experts + i / alpha / gamma / phi;
    }
    const Index g = i % gamma, e = i / gamma % epsilon, f = i / gamma / epsilon % phi;
    return ((f * gamma + g) * experts + i / gamma / epsilon / phi) * epsilon + e;
  }
  if (s.size() != 5) return i;
  const bool is_a = tensor.name.ends_with(".A");
  const Index last = i % s[4], g = i / s[4] % s[3], r = i / s[4] / s[3] % s[2],
              second = i / s[4] / s[3] / s[2] % s[1];
  const Index f = i / s[4] / s[3] / s[2] / s[1];
  if (is_a) return s[1] == 1 ? (g * s[4] + last) * s[0] * s[2] + f * s[2] + r : i;
  return s[4] == 1 ? ((f * s[3] + g) * s[2] + r) * s[1] + second : i;
}

inline std::vector<double> flatten(const nlohmann::json& values) {
  std::vector<double> flat;
  if (values.is_array()) {
    for (const nlohmann::json& part : values) {
      const std::vector<double> inner = flatten(part);
      flat.insert(flat.end(), inner.begin(), inner.end());
    }
  } else {
    flat.push_back(values.get<double>());
  }
  return flat;
}

/// Our name of a tensor for the reference's.
using NameMap = std::function<std::string(const std::string&)>;

/// The reference's numbers in our layout; every tensor must be there.
inline AlignedBuffer<double> load_values(const ParameterLayout& layout,
                                         const nlohmann::json& from,
                                         const NameMap& our_name) {
  AlignedBuffer<double> values(layout.size());
  CHECK(from.size() == layout.tensors().size());
  for (const auto& [name, value] : from.items()) {
    const ParameterInfo& tensor = find_tensor(layout, our_name(name));
    const bool is_transposed = name.find("matrix_params") != std::string::npos;
    const std::vector<double> flat = flatten(value);
    REQUIRE_MESSAGE(flat.size() == static_cast<std::size_t>(tensor.size), name);
    for (Index i = 0; i < tensor.size; ++i) {
      values.data()[tensor.offset + i] =
          flat[static_cast<std::size_t>(reference_index(tensor, is_transposed, i))];
    }
  }
  return values;
}

/// All numbers agree within `tolerance` of the largest.
inline void check_values(const ParameterLayout& layout,
                         const AlignedBuffer<double>& got,
                         const AlignedBuffer<double>& expected,
                         double tolerance) {
  double scale = 1;
  for (const double value : expected.span()) scale = std::max(scale, std::abs(value));
  for (const ParameterInfo& tensor : layout.tensors()) {
    CAPTURE(tensor.name);
    double worst = 0;
    for (Index i = tensor.offset; i < tensor.offset + tensor.size; ++i)
      worst = std::max(worst, std::abs(got.data()[i] - expected.data()[i]));
    CHECK(worst <= tolerance * scale);
  }
}

/// Shape, initialisation, learning-rate multiplier and decay of one tensor.
inline void check_tensor(const ParameterInfo& tensor, const nlohmann::json& parameter) {
  CAPTURE(tensor.name);
  CHECK(tensor.size == parameter["numel"].get<Index>());
  std::vector<Index> ours = tensor.shape, theirs = parameter["shape"];
  if (tensor.shape.size() < 5) {  // a vector, or a matrix in either orientation
    for (std::vector<Index>* shape : {&ours, &theirs}) {
      std::erase(*shape, 1);
      std::sort(shape->begin(), shape->end());
    }
    CHECK(ours == theirs);
  }
  CHECK(tensor.decays == parameter["weight_decay"].get<bool>());
  CHECK((tensor.init == Init::ones) == (parameter["init"] == "ones"));
  CHECK((tensor.init == Init::normal) == (parameter["init"] == "normal"));
  CHECK(tensor.lr_multiplier == doctest::Approx(parameter["lr_mult"].get<double>()).epsilon(1e-12));
}

}  // namespace einsearch
