#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "debug/record/zstd_frames.h"
#include "runtime/events/hash.h"

namespace {

std::uint32_t u32_at(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

void set_u32(std::string& bytes, std::size_t at, std::uint64_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> 8 * i & 0xFF);
}

void set_hash(std::string& bytes, std::size_t at, std::string_view of) {
  const agdb::Hash128 hash = agdb::xxh3_128(of);
  std::copy(hash.bytes.begin(), hash.bytes.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

// The same file with magic numbers and hashes that fit, which chance never finds: so that what
// stands behind them is tried too. A table that does not fit into the file stays as it is.
std::string mended(std::string file) {
  if (file.size() < 57) return file;
  const std::size_t count = u32_at(file, file.size() - 9);
  const std::size_t table_bytes = 17 + 8 * count;
  const std::size_t seal_bytes = 16 + 16 * count;
  if (count == 0 || count > file.size() || table_bytes + seal_bytes > file.size()) return file;
  const std::size_t table = file.size() - table_bytes;
  const std::size_t seal = table - seal_bytes;
  set_u32(file, file.size() - 4, 0x8F92EAB1);
  file[file.size() - 5] = '\0';
  set_u32(file, table, 0x184D2A5E);
  set_u32(file, table + 4, table_bytes - 8);
  set_u32(file, seal, 0x184D2A50);
  set_u32(file, seal + 4, seal_bytes - 8);
  file.replace(seal + 8, 8, "agdbsea1");
  std::size_t at = 0;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    const std::size_t size = u32_at(file, table + 8 + 8 * i);
    if (size > seal - at) break;
    set_hash(file, seal + 16 + 16 * i, std::string_view(file).substr(at, size));
    at += size;
  }
  const std::string covered = file.substr(seal, seal_bytes - 16) + file.substr(table);
  set_hash(file, table - 16, covered);
  return file;
}

agdb::Result<agdb::FrameReader> reader_of(const std::string& file) {
  return agdb::FrameReader::open(
      {.name = "events.jsonl.zst",
       .size = file.size(),
       .read = [&file](std::uint64_t offset, std::size_t length, std::string& out) -> agdb::Status {
         AGDB_ASSERT(offset <= file.size() && length <= file.size() - offset, "beyond the file");
         out.assign(file, offset, length);
         return {};
       }});
}

// Each frame is text or an error, and the pieces make the whole.
void read_through(const std::string& file) {
  const agdb::Result<agdb::FrameReader> reader = reader_of(file);
  if (!reader) return;
  AGDB_ASSERT(reader->frames() <= file.size(), "more frames than bytes");
  std::string pieces;
  bool whole = true;
  for (std::uint64_t at = 0; at < reader->text_size();) {
    const std::uint64_t end = reader->frame_end(at);
    AGDB_ASSERT(end > at && end - at <= agdb::kMaxFrameBytes, "a frame of no size, or too large");
    std::string piece;
    const agdb::Status status = reader->read(at, end - at, piece);
    AGDB_ASSERT(!status || piece.size() == end - at, "not what was asked for");
    whole = whole && status;
    pieces += piece;
    at = end;
  }
  if (reader->text_size() > (std::uint64_t{8} << 20)) return;
  std::string text;
  AGDB_ASSERT(reader->read(0, reader->text_size(), text).has_value() == whole, "pieces and whole");
  AGDB_ASSERT(!whole || text == pieces, "the pieces are another text");
}

void check_round_trip(std::string_view text) {
  std::string file;
  agdb::FrameWriter writer([&file](std::string_view bytes) -> agdb::Status {
    file += bytes;
    return {};
  });
  AGDB_ASSERT(writer.append(text) && writer.finish(), "cannot be written");
  const agdb::Result<agdb::FrameReader> reader = reader_of(file);
  AGDB_ASSERT(reader.has_value(), reader.error().message);
  std::string again;
  AGDB_ASSERT(reader->read(0, text.size(), again) && again == text, "another text came back");
}

}  // namespace

// Whatever the bytes: as a compressed recording they do not crash and take no more memory than
// frames may have; as a text they come back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string file(reinterpret_cast<const char*>(data), size);
  read_through(file);
  read_through(mended(file));
  if (size % 16 == 0) check_round_trip(file);
  return 0;
}
