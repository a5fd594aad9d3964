#pragma once

#include <string>
#include <string_view>

namespace agdb {

// The absolute path of a file or folder of the checkout that this test was built from. A function,
// not a macro: only its own source knows where the checkout lies, and the compiler's cache serves
// every checkout with all the others.
std::string source_path(std::string_view relative);
std::string fixture_path(std::string_view relative);  // below fixtures/

}  // namespace agdb
