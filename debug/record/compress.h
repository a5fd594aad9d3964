#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "debug/record/file.h"

namespace agdb {

// What compressing or decompressing a recording came to.
struct CompressReport {
  std::uint64_t text_bytes = 0;        // of events.jsonl
  std::uint64_t compressed_bytes = 0;  // of events.jsonl.zst
  std::uint64_t frames = 0;            // that can be read without the others
  bool already = false;                // nothing was to be done

  // How many bytes of text one byte of the file holds; 1 of an empty text.
  double ratio() const;
};

// Told now and then how many bytes of how many were worked on; each byte of the text counts twice,
// when it is written and when it is read back. Called in the caller's thread.
using CompressProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// Puts events.jsonl.zst in the place of a finished recording's events.jsonl. That one is removed
// only when the new file was flushed to disk, read back, and found to hold the same text by its
// XXH3-128, which is also the metadata's where it tells one. Whenever the program dies, one of the
// two is complete; when both are there, events.jsonl counts and the next call removes the other. On
// an error all is as before, but for what such a death left behind.
//
// Holds the lock on events.jsonl meanwhile. The recording can be read all the time, also by who had
// it open before. kInvalid: it is being written, or its writer died and nobody recovered it.
// kCorrupt: the text is not what the metadata tells. kUnavailable: somebody else is at it.
Result<CompressReport> compress_recording(FileSystem& files, const std::string& folder,
                                          const CompressProgress& progress = {});

// The way back, with the same promises.
Result<CompressReport> decompress_recording(FileSystem& files, const std::string& folder,
                                            const CompressProgress& progress = {});

}  // namespace agdb
