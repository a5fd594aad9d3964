#include "ipc/otlp/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <memory>

namespace agdb {
namespace {

// zlib's largest window, and 16 for gzip's header.
constexpr int kWindowBits = 15 + 16;
constexpr int kMemoryLevel = 8;

}  // namespace

Result<std::string> gzip(std::string_view text) {
  if (text.size() > std::numeric_limits<uInt>::max())
    return fail(Code::kInvalid, "a request of more than 4 GiB cannot be compressed");
  z_stream stream = {};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kWindowBits, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    return fail(Code::kExhausted, "no memory to compress a request");
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  // zlib does not write to its input.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int done = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (done != Z_STREAM_END) return fail(Code::kExhausted, "a request could not be compressed");
  return out;
}

namespace {

struct EndInflate {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

std::unexpected<Error> no_gzip() {
  return fail(Code::kInvalid, "the gzip data is damaged or cut");
}

// Makes room for more of the text, but one byte above `limit` at most.
void make_room(std::string& out, z_stream& stream, std::size_t limit) {
  const std::size_t had = out.size();
  out.resize(std::min(std::max<std::size_t>(2 * had, 4096), limit + 1));
  stream.next_out = reinterpret_cast<Bytef*>(out.data() + had);
  stream.avail_out = static_cast<uInt>(out.size() - had);
}

}  // namespace

Result<std::string> gunzip(std::string_view packed, std::size_t limit) {
  if (packed.size() > std::numeric_limits<uInt>::max() || limit >= std::numeric_limits<uInt>::max())
    return fail(Code::kInvalid, "more than 4 GiB cannot be unpacked");
  z_stream stream = {};
  if (inflateInit2(&stream, kWindowBits) != Z_OK)
    return fail(Code::kExhausted, "no memory to unpack a request");
  const std::unique_ptr<z_stream, EndInflate> ending(&stream);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  for (;;) {
    if (stream.avail_out == 0) make_room(out, stream, limit);
    const int done = inflate(&stream, Z_NO_FLUSH);
    const std::size_t size = out.size() - stream.avail_out;
    if (size > limit)
      return fail(Code::kExhausted, "the text is larger than " + std::to_string(limit) + " bytes");
    if (done == Z_STREAM_END && stream.avail_in > 0) {
      // Another member follows.
      if (inflateReset(&stream) != Z_OK) return no_gzip();
      continue;
    }
    if (done == Z_STREAM_END) {
      out.resize(size);
      return out;
    }
    if (done != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0)) return no_gzip();
  }
}

}  // namespace agdb
