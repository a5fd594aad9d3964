#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/result.h"

namespace agdb {

// A text as independent zstd frames, each of which can be read without the others. README.md draws
// the file: the frames, a seal (a skippable frame of ours with hashes of the compressed bytes), the
// seek table of zstd's seekable format. `zstd -d` reads it as a whole.

// How much text one frame holds. A frame ends at the first line end behind kFrameBytes; if that is
// farther than kMaxFrameBytes, at the last one behind kMinFrameBytes; if there is none, in the
// middle of a line. Only the last frame may be smaller.
inline constexpr std::size_t kMinFrameBytes = std::size_t{256} << 10;
inline constexpr std::size_t kFrameBytes = std::size_t{512} << 10;
inline constexpr std::size_t kMaxFrameBytes = std::size_t{1} << 20;

// 256 GiB of text at least. Its tables take 32 MiB of memory.
inline constexpr std::uint64_t kMaxFrames = std::uint64_t{1} << 20;

// Makes the file. The same text gives the same bytes, however it is cut into pieces.
//
//   FrameWriter writer([&](std::string_view bytes) { return file.append(bytes).status; });
//   AGDB_CHECK_OK(writer.append(piece)); ...
//   AGDB_CHECK_OK(writer.finish());
class FrameWriter {
 public:
  using Sink = std::function<Status(std::string_view bytes)>;

  // `sink` takes the file's bytes in their order. Its errors come back from append() and finish();
  // after one, the writer is good for nothing.
  explicit FrameWriter(Sink sink);
  ~FrameWriter();
  FrameWriter(const FrameWriter&) = delete;
  FrameWriter& operator=(const FrameWriter&) = delete;

  Status append(std::string_view text);
  // What waits, the seal and the table.
  Status finish();

  std::uint64_t bytes() const { return bytes_; }  // given to the sink
  std::uint64_t frames() const { return frames_; }

 private:
  struct Context;
  Status write_frame(std::string_view text);
  Status give(std::string_view bytes);

  Sink sink_;
  std::unique_ptr<Context> context_;
  std::string waiting_;     // text that is in no frame yet
  std::string compressed_;  // the frame being made
  std::string seal_;        // what the seal holds so far
  std::string table_;       // the seek table's entries so far
  std::uint64_t bytes_ = 0;
  std::uint64_t frames_ = 0;
};

// Where the bytes of such a file come from.
struct FrameSource {
  std::string name;  // for errors
  std::uint64_t size = 0;
  // Exactly those bytes. Called from any thread that reads.
  std::function<Status(std::uint64_t offset, std::size_t length, std::string& out)> read;
};

// Reads it. Nothing in the file is believed: the table is checked as a whole when it is opened, the
// compressed bytes of a frame against their hash and its text against its checksum each time that
// it is decoded. Memory follows the file's size (32 bytes a frame) and kCachedFrames, never what
// the file claims. Const calls: any thread.
class FrameReader {
 public:
  // Texts of frames that are kept, those used last: a scan decodes each frame once.
  static constexpr std::size_t kCachedFrames = 16;

  // kCorrupt: `source` is not such a file, or its table is damaged.
  static Result<FrameReader> open(FrameSource source);
  FrameReader(FrameReader&&) noexcept;
  FrameReader& operator=(FrameReader&&) noexcept;
  ~FrameReader();

  std::uint64_t text_size() const;
  std::size_t frames() const;
  // Where the frame that holds the text's byte `offset` ends. REQUIRES: offset < text_size().
  std::uint64_t frame_end(std::uint64_t offset) const;
  // Frames decoded so far.
  std::uint64_t decoded() const;
  // The bytes [offset, offset + length) of the text. kCorrupt names the frame that is damaged;
  // those around it can still be read.
  Status read(std::uint64_t offset, std::size_t length, std::string& out) const;

 private:
  struct Impl;
  explicit FrameReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace agdb
