#pragma once

#include <string>

namespace agdb {

// Checks of single words of the command line, for Option::check: what is wrong with the word,
// empty when nothing is. A wrong word is wrong usage.
std::string above_zero(const std::string& word);         // a whole number from 1
std::string event_number(const std::string& word);       // a whole number from 0
std::string filter_expression(const std::string& word);  // as Filter::parse takes it

}  // namespace agdb
