#pragma once

#include "debug/store/database.h"

namespace agdb {

// The index of texts is made of parts: each transaction adds one, and writing puts some of them
// together, but a million traces still lie in a dozen, and a search asks each. Here all of them
// become one, step by step, so that nobody waits for long.
//
//   in order ──a quarter of the traces is new──► being put in order ──steps──► in order

// One step, of about 20 ms. False: there was nothing to do. REQUIRES: a write transaction.
Result<bool> put_texts_in_order(Database& database);

}  // namespace agdb
