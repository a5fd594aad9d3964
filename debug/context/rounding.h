#pragma once

namespace agdb {

// To one decimal, half away from zero: how percentages and rates of contexts are given.
double round1(double value);

}  // namespace agdb
