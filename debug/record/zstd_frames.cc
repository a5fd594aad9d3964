#include "debug/record/zstd_frames.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <optional>

#include "runtime/events/hash.h"

namespace agdb {
namespace {

// The seekable format's, and the skippable frames' that any zstd reader jumps over.
constexpr std::uint32_t kFrameMagic = 0xFD2FB528;
constexpr std::uint32_t kTableMagic = 0x184D2A5E;
constexpr std::uint32_t kTableEndMagic = 0x8F92EAB1;
constexpr std::size_t kSkippableHead = 8;
constexpr std::size_t kTableEntry = 8;
constexpr std::size_t kTableFooter = 9;
// Ours. On disk: neither may change.
constexpr std::uint32_t kSealMagic = 0x184D2A50;
constexpr std::string_view kSealName = "agdbsea1";
constexpr std::size_t kHashBytes = 16;

constexpr int kLevel = 1;
// Covers the largest frame: every frame is one segment, for which decoding needs no window.
constexpr int kWindowLog = 20;
static_assert(std::size_t{1} << kWindowLog == kMaxFrameBytes);

constexpr std::size_t kMaxCompressedBytes = ZSTD_COMPRESSBOUND(kMaxFrameBytes);

void put_u32(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((value >> shift) & 0xFF);
}

std::uint32_t u32_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::string_view bytes_of(const Hash128& hash) {
  return {reinterpret_cast<const char*>(hash.bytes.data()), hash.bytes.size()};
}

// Sizes on disk, of that many frames of text.
std::uint64_t seal_bytes(std::uint64_t frames) {
  return kSkippableHead + kSealName.size() + (frames + 1) * kHashBytes;
}
std::uint64_t table_bytes(std::uint64_t frames) {
  return kSkippableHead + (frames + 1) * kTableEntry + kTableFooter;
}

std::string skippable_head(std::uint32_t magic, std::uint64_t bytes) {
  std::string head;
  put_u32(head, magic);
  put_u32(head, static_cast<std::uint32_t>(bytes - kSkippableHead));
  return head;
}

// Where the first frame of `text` ends; nothing while that depends on what follows.
std::optional<std::size_t> frame_length(std::string_view text) {
  const std::string_view window = text.substr(0, kMaxFrameBytes);
  if (window.size() >= kFrameBytes) {
    const std::size_t behind = window.find('\n', kFrameBytes - 1);
    if (behind != std::string_view::npos) return behind + 1;
  }
  if (window.size() < kMaxFrameBytes) return std::nullopt;
  const std::size_t before = window.rfind('\n', kFrameBytes - 2);
  if (before != std::string_view::npos && before + 1 >= kMinFrameBytes) return before + 1;
  return kMaxFrameBytes;
}

std::unexpected<Error> corrupt(std::string message) {
  return fail(Code::kCorrupt, "cannot read events: " + std::move(message),
              "`agdb verify` tells what can still be read");
}

}  // namespace

struct FrameWriter::Context {
  ZSTD_CCtx* zstd = ZSTD_createCCtx();

  Context() {
    if (zstd == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, kWindowLog);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 1);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
  }
  ~Context() { ZSTD_freeCCtx(zstd); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

FrameWriter::FrameWriter(Sink sink)
    : sink_(std::move(sink)), context_(new Context), seal_(kSealName) {}
FrameWriter::~FrameWriter() = default;

Status FrameWriter::append(std::string_view text) {
  waiting_ += text;
  std::string_view rest = waiting_;
  while (const std::optional<std::size_t> length = frame_length(rest)) {
    AGDB_CHECK_OK(write_frame(rest.substr(0, *length)));
    rest.remove_prefix(*length);
  }
  waiting_.erase(0, waiting_.size() - rest.size());
  return {};
}

Status FrameWriter::finish() {
  if (!waiting_.empty()) AGDB_CHECK_OK(write_frame(waiting_));
  waiting_.clear();

  std::string table = skippable_head(kTableMagic, table_bytes(frames_)) + table_;
  put_u32(table, static_cast<std::uint32_t>(seal_bytes(frames_)));
  put_u32(table, 0);  // the seal holds no text
  put_u32(table, static_cast<std::uint32_t>(frames_ + 1));
  table += '\0';  // no checksums in the table: the frames have their own
  put_u32(table, kTableEndMagic);

  const std::string seal = skippable_head(kSealMagic, seal_bytes(frames_)) + seal_;
  Hasher128 hasher;
  hasher.update(seal);
  hasher.update(table);
  const Hash128 hash = hasher.digest();
  AGDB_CHECK_OK(give(seal));
  AGDB_CHECK_OK(give(bytes_of(hash)));
  return give(table);
}

Status FrameWriter::write_frame(std::string_view text) {
  if (frames_ == kMaxFrames) {
    return fail(Code::kUnsupported,
                fmt::format("the events have more than {} pieces to compress", kMaxFrames));
  }
  compressed_.resize(ZSTD_compressBound(text.size()));
  const std::size_t size = ZSTD_compress2(context_->zstd, compressed_.data(), compressed_.size(),
                                          text.data(), text.size());
  if (ZSTD_isError(size) != 0)
    return fail(Code::kIo, fmt::format("cannot compress: {}", ZSTD_getErrorName(size)));
  const std::string_view frame = std::string_view(compressed_).substr(0, size);
  seal_ += bytes_of(xxh3_128(frame));
  put_u32(table_, static_cast<std::uint32_t>(size));
  put_u32(table_, static_cast<std::uint32_t>(text.size()));
  ++frames_;
  return give(frame);
}

Status FrameWriter::give(std::string_view bytes) {
  bytes_ += bytes.size();
  return sink_(bytes);
}

struct FrameReader::Impl {
  using Text = std::shared_ptr<const std::string>;
  struct FreeDecoder {
    void operator()(ZSTD_DCtx* decoder) const { ZSTD_freeDCtx(decoder); }
  };
  using Decoder = std::unique_ptr<ZSTD_DCtx, FreeDecoder>;
  struct Place {
    std::uint64_t in_file = 0;
    std::uint64_t in_text = 0;
  };
  struct Cached {
    std::size_t frame = 0;
    Text text;
  };

  FrameSource source;
  std::vector<Place> places;  // where each frame begins, and where the last one ends
  std::string hashes;         // of the compressed frames, kHashBytes each

  mutable std::mutex mutex;           // for what follows
  mutable std::vector<Cached> cache;  // the one used last at the end
  mutable std::vector<Decoder> idle;  // decoders that nobody uses now
  mutable std::uint64_t decoded = 0;

  std::size_t frames() const { return places.size() - 1; }
  std::size_t frame_of(std::uint64_t offset) const;
  Status load();
  Status take_table(std::string_view table, std::uint64_t end_of_frames);
  Result<Text> text_of(std::size_t frame) const;
  Text cached(std::size_t frame) const;
  Result<Text> decode(std::size_t frame) const;
  Status decode_into(std::string& text, std::string_view compressed, std::size_t frame) const;
  Decoder take_decoder() const;

  std::unexpected<Error> damaged(std::string_view why) const {
    return corrupt(fmt::format("{}: {}", source.name, why));
  }
  std::unexpected<Error> damaged(std::size_t frame, std::string_view why) const {
    return corrupt(fmt::format("{}: frame {} of {} (byte {}; bytes {} to {} of the text): {}",
                               source.name, frame + 1, frames(), places[frame].in_file,
                               places[frame].in_text, places[frame + 1].in_text, why));
  }
};

Status FrameReader::Impl::load() {
  constexpr std::string_view kNotOurs = "it does not end as a compressed recording does";
  const std::uint64_t least = seal_bytes(0) + table_bytes(0);
  if (source.size < least)
    return damaged(fmt::format("{} bytes are no compressed recording", source.size));
  std::string footer;
  AGDB_CHECK_OK(source.read(source.size - kTableFooter, kTableFooter, footer));
  if (u32_at(footer, 5) != kTableEndMagic || footer[4] != '\0') return damaged(kNotOurs);
  const std::uint64_t count = u32_at(footer, 0);
  if (count == 0 || count > kMaxFrames + 1)
    return damaged(fmt::format("its table tells of {} frames", count));
  const std::uint64_t seal_size = seal_bytes(count - 1);
  const std::uint64_t table_size = table_bytes(count - 1);
  if (source.size < seal_size + table_size) return damaged("its table does not fit into it");

  std::string tail;
  const std::uint64_t end_of_frames = source.size - seal_size - table_size;
  AGDB_CHECK_OK(source.read(end_of_frames, seal_size + table_size, tail));
  const std::string_view seal = std::string_view(tail).substr(0, seal_size);
  const std::string_view table = std::string_view(tail).substr(seal_size);
  if (!seal.starts_with(skippable_head(kSealMagic, seal_size)) ||
      seal.substr(kSkippableHead, kSealName.size()) != kSealName ||
      !table.starts_with(skippable_head(kTableMagic, table_size))) {
    return damaged(kNotOurs);
  }
  const std::string_view sealed = seal.substr(0, seal_size - kHashBytes);
  Hasher128 hasher;
  hasher.update(sealed);
  hasher.update(table);
  if (bytes_of(hasher.digest()) != seal.substr(sealed.size()))
    return damaged("its table of frames is damaged");
  hashes = sealed.substr(kSkippableHead + kSealName.size());
  return take_table(table.substr(kSkippableHead, count * kTableEntry), end_of_frames);
}

// REQUIRES: one entry for each hash and one for the seal.
Status FrameReader::Impl::take_table(std::string_view table, std::uint64_t end_of_frames) {
  const std::size_t count = hashes.size() / kHashBytes;
  places.reserve(count + 1);
  Place place;
  for (std::size_t frame = 0; frame < count; ++frame) {
    places.push_back(place);
    const std::uint32_t compressed = u32_at(table, frame * kTableEntry);
    const std::uint32_t text = u32_at(table, frame * kTableEntry + 4);
    if (compressed == 0 || compressed > kMaxCompressedBytes || text == 0 || text > kMaxFrameBytes) {
      return damaged(fmt::format("frame {} of {}: {} bytes of text in {} bytes cannot be",
                                 frame + 1, count, text, compressed));
    }
    place.in_file += compressed;
    place.in_text += text;
  }
  places.push_back(place);
  if (place.in_file != end_of_frames || u32_at(table, count * kTableEntry) != seal_bytes(count) ||
      u32_at(table, count * kTableEntry + 4) != 0) {
    return damaged(fmt::format("the {} frames of its table take {} bytes, those in the file {}",
                               count, place.in_file, end_of_frames));
  }
  return {};
}

// REQUIRES: offset < the text's size.
std::size_t FrameReader::Impl::frame_of(std::uint64_t offset) const {
  const auto after = std::upper_bound(
      places.begin(), places.end(), offset,
      [](std::uint64_t wanted, const Place& place) { return wanted < place.in_text; });
  return static_cast<std::size_t>(after - places.begin()) - 1;
}

FrameReader::Impl::Text FrameReader::Impl::cached(std::size_t frame) const {
  const std::lock_guard lock(mutex);
  const auto found = std::find_if(cache.begin(), cache.end(),
                                  [&](const Cached& each) { return each.frame == frame; });
  if (found == cache.end()) return nullptr;
  std::rotate(found, found + 1, cache.end());
  return cache.back().text;
}

Result<FrameReader::Impl::Text> FrameReader::Impl::text_of(std::size_t frame) const {
  if (Text text = cached(frame)) return text;
  AGDB_TRY(Text text, decode(frame));
  const std::lock_guard lock(mutex);
  ++decoded;
  // Two readers that miss the same frame both decode it; keeping it twice would cost another.
  std::erase_if(cache, [&](const Cached& each) { return each.frame == frame; });
  if (cache.size() == kCachedFrames) cache.erase(cache.begin());
  cache.push_back({frame, text});
  return text;
}

Result<FrameReader::Impl::Text> FrameReader::Impl::decode(std::size_t frame) const {
  const Place& place = places[frame];
  std::string compressed;
  AGDB_CHECK_OK(source.read(place.in_file, places[frame + 1].in_file - place.in_file, compressed));
  const std::string_view hash = std::string_view(hashes).substr(frame * kHashBytes, kHashBytes);
  if (bytes_of(xxh3_128(compressed)) != hash)
    return damaged(frame, "its bytes do not have the hash that they were written with");
  auto text = std::make_shared<std::string>();
  AGDB_CHECK_OK(decode_into(*text, compressed, frame));
  return text;
}

Status FrameReader::Impl::decode_into(std::string& text, std::string_view compressed,
                                      std::size_t frame) const {
  const std::uint64_t size = places[frame + 1].in_text - places[frame].in_text;
  // Exactly one frame, and of today's format: libzstd reads several in a row, and old formats.
  if (compressed.size() < 4 || u32_at(compressed, 0) != kFrameMagic ||
      ZSTD_findFrameCompressedSize(compressed.data(), compressed.size()) != compressed.size()) {
    return damaged(frame, "it is not one zstd frame");
  }
  if (const std::uint64_t told = ZSTD_getFrameContentSize(compressed.data(), compressed.size());
      told != size) {
    return damaged(frame, fmt::format("the table tells of {} bytes of text, the frame of {}", size,
                                      static_cast<std::int64_t>(told)));
  }
  Decoder decoder = take_decoder();
  std::size_t got = 0;
  text.resize_and_overwrite(static_cast<std::size_t>(size), [&](char* out, std::size_t) {
    got = ZSTD_decompressDCtx(decoder.get(), out, size, compressed.data(), compressed.size());
    return ZSTD_isError(got) != 0 ? 0 : got;
  });
  {
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(decoder));
  }
  if (ZSTD_isError(got) != 0) return damaged(frame, ZSTD_getErrorName(got));
  if (got != size) return damaged(frame, fmt::format("it has {} bytes of text, not {}", got, size));
  return {};
}

FrameReader::Impl::Decoder FrameReader::Impl::take_decoder() const {
  {
    const std::lock_guard lock(mutex);
    if (!idle.empty()) {
      Decoder decoder = std::move(idle.back());
      idle.pop_back();
      return decoder;
    }
  }
  Decoder decoder(ZSTD_createDCtx());
  if (decoder == nullptr) throw std::bad_alloc();
  return decoder;
}

Result<FrameReader> FrameReader::open(FrameSource source) {
  auto impl = std::make_unique<Impl>();
  impl->source = std::move(source);
  AGDB_CHECK_OK(impl->load());
  return FrameReader(std::move(impl));
}

FrameReader::FrameReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FrameReader::FrameReader(FrameReader&&) noexcept = default;
FrameReader& FrameReader::operator=(FrameReader&&) noexcept = default;
FrameReader::~FrameReader() = default;

std::uint64_t FrameReader::text_size() const {
  return impl_->places.back().in_text;
}
std::size_t FrameReader::frames() const {
  return impl_->frames();
}

std::uint64_t FrameReader::frame_end(std::uint64_t offset) const {
  AGDB_ASSERT(offset < text_size(), fmt::format("byte {} of {}", offset, text_size()));
  return impl_->places[impl_->frame_of(offset) + 1].in_text;
}

std::uint64_t FrameReader::decoded() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->decoded;
}

Status FrameReader::read(std::uint64_t offset, std::size_t length, std::string& out) const {
  out.clear();
  if (offset > text_size() || length > text_size() - offset) {
    return impl_->damaged(fmt::format("its text ends at byte {}, {} bytes were wanted at {}",
                                      text_size(), length, offset));
  }
  out.reserve(length);
  while (out.size() < length) {
    const std::uint64_t at = offset + out.size();
    const std::size_t frame = impl_->frame_of(at);
    AGDB_TRY(const Impl::Text text, impl_->text_of(frame));
    const std::string_view piece = *text;
    out += piece.substr(at - impl_->places[frame].in_text, length - out.size());
  }
  return {};
}

}  // namespace agdb
