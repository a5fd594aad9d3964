#include "debug/context/rounding.h"

#include <cmath>

namespace agdb {

double round1(double value) {
  return std::round(value * 10) / 10;
}

}  // namespace agdb
