#include "compute/kernel_tables.h"

#include "compute/isa.h"

namespace einsearch {
namespace {

template <typename Table>
const Table& of_active_isa(const Table& v3_table, const Table& v4_table) {
  return active_isa() == Isa::v4 ? v4_table : v3_table;
}

}  // namespace

template <>
const ProductKernels<float>& products() {
  return of_active_isa(v3::kProductsFloat, v4::kProductsFloat);
}

template <>
const ProductKernels<double>& products() {
  return of_active_isa(v3::kProductsDouble, v4::kProductsDouble);
}

template <>
const ElementwiseKernels<float>& elementwise() {
  return of_active_isa(v3::kElementwiseFloat, v4::kElementwiseFloat);
}

template <>
const ElementwiseKernels<double>& elementwise() {
  return of_active_isa(v3::kElementwiseDouble, v4::kElementwiseDouble);
}

template <>
const SequenceKernels<float>& sequence_kernels() {
  return of_active_isa(v3::kSequenceFloat, v4::kSequenceFloat);
}

template <>
const SequenceKernels<double>& sequence_kernels() {
  return of_active_isa(v3::kSequenceDouble, v4::kSequenceDouble);
}

template <>
const MixtureKernels<float>& mixture_kernels() {
  return of_active_isa(v3::kMixtureFloat, v4::kMixtureFloat);
}

template <>
const MixtureKernels<double>& mixture_kernels() {
  return of_active_isa(v3::kMixtureDouble, v4::kMixtureDouble);
}

const PeakKernels& peak_kernels() { return of_active_isa(v3::kPeak, v4::kPeak); }

}  // namespace einsearch
