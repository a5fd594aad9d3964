#include "debug/record/zstd_frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <thread>

#include "runtime/events/hash.h"

namespace agdb {
namespace {

using testing::HasSubstr;

std::string packed(std::string_view text, std::size_t piece = 1 << 20) {
  std::string file;
  FrameWriter writer([&file](std::string_view bytes) -> Status {
    file += bytes;
    return {};
  });
  for (std::size_t at = 0; at < text.size(); at += piece)
    EXPECT_TRUE(writer.append(text.substr(at, piece)));
  EXPECT_TRUE(writer.finish());
  EXPECT_EQ(writer.bytes(), file.size());
  return file;
}

// `file` outlives the result.
Result<FrameReader> reader_of(const std::string& file) {
  return FrameReader::open(
      {.name = "events.jsonl.zst",
       .size = file.size(),
       .read = [&file](std::uint64_t offset, std::size_t length, std::string& out) -> Status {
         EXPECT_LE(offset + length, file.size());
         out = file.substr(offset, length);
         return {};
       }});
}

std::string all_of(const FrameReader& reader) {
  std::string text;
  const Status status = reader.read(0, reader.text_size(), text);
  EXPECT_TRUE(status) << status.error().message;
  return text;
}

std::vector<std::uint64_t> frame_sizes(const FrameReader& reader) {
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t at = 0; at < reader.text_size(); at += sizes.back())
    sizes.push_back(reader.frame_end(at) - at);
  return sizes;
}

// Lines of that many bytes, "\n" included, with numbers in them.
std::string lines(std::size_t count, std::size_t length) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    std::string line = "{\"seq_num\":" + std::to_string(i * 7919) + "}";
    line.resize(length - 1, 'x');
    text += line + '\n';
  }
  return text;
}

// What libzstd alone makes of the file, as a stream without knowledge of our frames.
std::string streamed(const std::string& file) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> decoder(ZSTD_createDCtx(),
                                                                     &ZSTD_freeDCtx);
  std::string text;
  std::string piece(ZSTD_DStreamOutSize(), '\0');
  ZSTD_inBuffer in = {file.data(), file.size(), 0};
  std::size_t left = 0;
  while (in.pos < in.size) {
    ZSTD_outBuffer out = {piece.data(), piece.size(), 0};
    left = ZSTD_decompressStream(decoder.get(), &out, &in);
    EXPECT_FALSE(ZSTD_isError(left)) << ZSTD_getErrorName(left);
    if (ZSTD_isError(left)) break;
    text.append(piece, 0, out.pos);
  }
  EXPECT_EQ(left, 0u);
  return text;
}

TEST(ZstdFrames, AnEmptyTextHasNoFrames) {
  const std::string file = packed("");
  const Result<FrameReader> reader = reader_of(file);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(reader->text_size(), 0u);
  EXPECT_EQ(reader->frames(), 0u);
  EXPECT_EQ(all_of(*reader), "");
  EXPECT_EQ(streamed(file), "");
}

TEST(ZstdFrames, AByteComesBack) {
  const std::string file = packed("x");
  const Result<FrameReader> reader = reader_of(file);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(reader->frames(), 1u);
  EXPECT_EQ(all_of(*reader), "x");
  EXPECT_EQ(streamed(file), "x");
}

TEST(ZstdFrames, FramesEndAtTheFirstLineEndBehindTheirSize) {
  const std::string text = lines(2500, 1000);
  const std::string file = packed(text);
  const Result<FrameReader> reader = reader_of(file);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(frame_sizes(*reader),
            (std::vector<std::uint64_t>{525'000, 525'000, 525'000, 525'000, 400'000}));
  EXPECT_EQ(all_of(*reader), text);
  EXPECT_EQ(streamed(file), text);
}

TEST(ZstdFrames, ALongLineIsLeftToTheNextFrame) {
  const std::string text = lines(3, 100'000) + lines(1, 900'000);
  const std::string file = packed(text);
  EXPECT_EQ(frame_sizes(*reader_of(file)), (std::vector<std::uint64_t>{300'000, 900'000}));
}

TEST(ZstdFrames, ALineLongerThanAFrameIsCutInTheMiddle) {
  const std::string text = lines(1, 10) + lines(1, 2'500'000) + "end";
  const std::string file = packed(text);
  const Result<FrameReader> reader = reader_of(file);
  EXPECT_EQ(frame_sizes(*reader),
            (std::vector<std::uint64_t>{kMaxFrameBytes, kMaxFrameBytes, 402'861}));
  EXPECT_EQ(all_of(*reader), text);
}

TEST(ZstdFrames, TheSameTextGivesTheSameBytesInWhateverPiecesItComes) {
  const std::string text = lines(3, 100'000) + lines(1, 900'000) + lines(400, 3001);
  const std::string file = packed(text, text.size());
  EXPECT_EQ(packed(text, 999), file);
  EXPECT_EQ(packed(text, kFrameBytes), file);
}

TEST(ZstdFrames, TheTableIsThatOfTheSeekableFormat) {
  const std::string text = lines(2500, 1000);
  const std::string file = packed(text);
  const auto u32 = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(file[at + i]);
    return value;
  };
  EXPECT_EQ(u32(file.size() - 4), 0x8F92EAB1u);
  EXPECT_EQ(file[file.size() - 5], '\0');
  const std::uint32_t count = u32(file.size() - 9);
  EXPECT_EQ(count, 6u);  // five frames and the seal
  const std::size_t table = file.size() - 9 - count * 8;
  EXPECT_EQ(u32(table - 8), 0x184D2A5Eu);
  EXPECT_EQ(u32(table - 4), count * 8 + 9);
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t size = ZSTD_findFrameCompressedSize(file.data() + at, file.size() - at);
    EXPECT_EQ(u32(table + i * 8), size);
    if (i + 1 < count) {
      EXPECT_EQ(u32(table + i * 8 + 4), ZSTD_getFrameContentSize(file.data() + at, size));
      EXPECT_NE(file[at + 4] & 4, 0) << "a checksum";
    } else {
      EXPECT_EQ(u32(table + i * 8 + 4), 0u);
    }
    at += size;
  }
  EXPECT_EQ(at, table - 8);
}

TEST(ZstdFrames, TheWorkedExampleIsRight) {
  std::string hex;
  for (const char each : packed("{}\n")) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    hex += kDigits[static_cast<unsigned char>(each) / 16];
    hex += kDigits[static_cast<unsigned char>(each) % 16];
  }
  // README.md has these bytes. Those of the frame are libzstd's, and may differ with its version.
  EXPECT_EQ(hex.substr(32, 32), "502A4D18280000006167646273656131");
  EXPECT_EQ(hex.substr(128),
            "5E2A4D181900000010000000030000003000000000000000"
            "0200000000B1EA928F");
}

TEST(ZstdFrames, AnyPlaceCanBeRead) {
  const std::string text = lines(7000, 333);
  const std::string file = packed(text);
  const Result<FrameReader> reader = reader_of(file);
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    const std::size_t offset = random() % text.size();
    const std::size_t length = random() % std::min<std::size_t>(text.size() - offset, 700'000);
    std::string out;
    ASSERT_TRUE(reader->read(offset, length, out));
    ASSERT_EQ(out, text.substr(offset, length));
  }
}

TEST(ZstdFrames, AScanDecodesEachFrameOnce) {
  const std::string text = lines(20'000, 500);
  const std::string file = packed(text);
  const Result<FrameReader> reader = reader_of(file);
  ASSERT_GT(reader->frames(), FrameReader::kCachedFrames + 2);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += 500) ASSERT_TRUE(reader->read(at, 500, out));
  EXPECT_EQ(reader->decoded(), reader->frames());
}

TEST(ZstdFrames, FramesUsedLastAreKept) {
  const std::string text = lines(20'000, 500);
  const std::string file = packed(text);
  const Result<FrameReader> reader = reader_of(file);
  std::string out;
  ASSERT_TRUE(reader->read(0, 1, out));
  for (std::size_t at = 0; at < text.size(); at += 500) {
    ASSERT_TRUE(reader->read(at, 1, out));
    ASSERT_TRUE(reader->read(0, 1, out));
  }
  EXPECT_EQ(reader->decoded(), reader->frames());
}

TEST(ZstdFrames, GoingBackwardsDecodesEachFrameOnce) {
  const std::string text = lines(20'000, 500);
  const std::string file = packed(text);
  const Result<FrameReader> reader = reader_of(file);
  ASSERT_GT(reader->frames(), 8u);
  std::string out;
  for (std::size_t at = text.size(); at > 0; at -= 500) {
    ASSERT_TRUE(reader->read(at - 500, 500, out));
    ASSERT_EQ(out, std::string_view(text).substr(at - 500, 500));
  }
  EXPECT_EQ(reader->decoded(), reader->frames());
}

TEST(ZstdFrames, BeyondTheEndIsAnErrorWhateverIsAskedFor) {
  const std::string file = packed("0123456789");
  const Result<FrameReader> reader = reader_of(file);
  std::string out;
  EXPECT_TRUE(reader->read(10, 0, out));
  for (const auto& [offset, length] : {std::pair<std::uint64_t, std::size_t>{5, 6},
                                       {11, 0},
                                       {0, ~std::size_t{0}},
                                       {~std::uint64_t{0}, ~std::size_t{0}}}) {
    const Status status = reader->read(offset, length, out);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Code::kCorrupt);
  }
}

TEST(ZstdFrames, ThreadsReadTheSameReader) {
  const std::string text = lines(20'000, 500);
  const std::string file = packed(text);
  const Result<FrameReader> reader = reader_of(file);
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      for (int i = 0; i < 100; ++i) {
        const std::size_t line = random() % 20'000;
        std::string out;
        if (!reader->read(line * 500, 500, out) || out != text.substr(line * 500, 500)) ++wrong;
      }
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(wrong, 0);
}

TEST(ZstdFrames, AnErrorOfTheSinkComesBack) {
  FrameWriter writer([](std::string_view) -> Status { return fail(Code::kIo, "full"); });
  EXPECT_TRUE(writer.append("small: nothing is written yet"));
  const Status status = writer.finish();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "full");
}

// What is wrong with the file, found when it is opened or read through; empty: nothing.
std::string wrong_with(const std::string& file) {
  const Result<FrameReader> reader = reader_of(file);
  if (!reader) {
    EXPECT_EQ(reader.error().code, Code::kCorrupt);
    EXPECT_THAT(reader.error().message, HasSubstr("events.jsonl.zst"));
    return reader.error().message;
  }
  std::string text;
  const Status status = reader->read(0, reader->text_size(), text);
  if (status) return "";
  EXPECT_EQ(status.error().code, Code::kCorrupt);
  EXPECT_THAT(status.error().message, HasSubstr("events.jsonl.zst: frame "));
  return status.error().message;
}

TEST(ZstdFramesHostile, EveryFlippedBitIsFound) {
  const std::string file = packed(lines(40, 61));
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    std::string flipped = file;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(wrong_with(flipped), "") << "bit " << bit;
  }
}

TEST(ZstdFramesHostile, EveryCutIsFound) {
  const std::string file = packed(lines(40, 61));
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_NE(wrong_with(file.substr(0, size)), "") << size;
    EXPECT_NE(wrong_with(file.substr(file.size() - size)), "") << size;
  }
}

TEST(ZstdFramesHostile, ADamagedFrameIsNamedAndTheOthersAreRead) {
  const std::string text = lines(2500, 1000);
  std::string file = packed(text);
  const std::size_t second = ZSTD_findFrameCompressedSize(file.data(), file.size());
  file[second + 100] = static_cast<char>(file[second + 100] ^ 1);
  const Result<FrameReader> reader = reader_of(file);
  ASSERT_TRUE(reader);
  std::string out;
  const Status status = reader->read(600'000, 10, out);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("frame 2 of 5"));
  EXPECT_THAT(status.error().message, HasSubstr("525000 to 1050000"));
  ASSERT_TRUE(reader->read(0, 525'000, out));
  EXPECT_EQ(out, text.substr(0, 525'000));
  ASSERT_TRUE(reader->read(1'050'000, 100, out));
  EXPECT_EQ(out, text.substr(1'050'000, 100));
}

// A file of frames and entries that somebody chose, with hashes that fit: only what the entries
// and frames say is wrong.
class Forged {
 public:
  struct Frame {
    std::string bytes;
    std::uint32_t compressed;
    std::uint32_t text;
  };
  void add(std::string bytes, std::uint32_t text) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    add(std::move(bytes), size, text);
  }
  void add(std::string bytes, std::uint32_t compressed, std::uint32_t text) {
    frames_.push_back({std::move(bytes), compressed, text});
  }
  std::string file() const {
    std::string data;
    std::string seal = "agdbsea1";
    std::string entries;
    for (const Frame& frame : frames_) {
      seal += digest(frame.bytes);
      entries += u32(frame.compressed) + u32(frame.text);
      data += frame.bytes;
    }
    const auto count = static_cast<std::uint32_t>(frames_.size() + 1);
    seal = u32(0x184D2A50) + u32(static_cast<std::uint32_t>(seal.size() + 16)) + seal;
    entries += u32(static_cast<std::uint32_t>(seal.size() + 16)) + u32(0);
    const std::string table = u32(0x184D2A5E) + u32(count * 8 + 9) + entries + u32(count) +
                              std::string(1, '\0') + u32(0x8F92EAB1);
    return data + seal + digest(seal + table) + table;
  }
  static std::string zstd(std::string_view text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
    return out;
  }
  static std::string u32(std::uint32_t value) {
    std::string out;
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xFF);
    return out;
  }
  static std::string digest(std::string_view bytes) {
    const Hash128 hash = xxh3_128(bytes);
    return {reinterpret_cast<const char*>(hash.bytes.data()), hash.bytes.size()};
  }

 private:
  std::vector<Frame> frames_;
};

TEST(ZstdFramesHostile, ForgedFilesAreReadWhereTheyAreRight) {
  Forged forged;
  forged.add(Forged::zstd("hello "), 6);
  forged.add(Forged::zstd("world"), 5);
  const std::string file = forged.file();
  EXPECT_EQ(all_of(*reader_of(file)), "hello world");
}

TEST(ZstdFramesHostile, AFrameThatLiesAboutItsSizeIsRefused) {
  Forged less;
  less.add(Forged::zstd("hello"), 4);
  EXPECT_THAT(wrong_with(less.file()), HasSubstr("frame 1 of 1"));
  Forged more;
  more.add(Forged::zstd("hello"), 500'000);
  EXPECT_THAT(wrong_with(more.file()), HasSubstr("frame 1 of 1"));
}

TEST(ZstdFramesHostile, ABombIsNotDecoded) {
  Forged forged;
  forged.add(Forged::zstd(std::string(8 << 20, 'x')), 1 << 20);
  EXPECT_THAT(wrong_with(forged.file()), HasSubstr("of 8388608"));
  Forged told;
  told.add(Forged::zstd(std::string(8 << 20, 'x')), 8 << 20);
  EXPECT_THAT(wrong_with(told.file()), HasSubstr("frame 1 of 1: 8388608 bytes of text"));
}

TEST(ZstdFramesHostile, SizesThatDoNotAddUpAreRefused) {
  Forged overlapping;
  overlapping.add(Forged::zstd("hello"), 3, 5);
  EXPECT_THAT(wrong_with(overlapping.file()), HasSubstr("the 1 frames of its table take 3 bytes"));
  Forged huge;
  huge.add(Forged::zstd("hello"), 0xFFFFFFFF, 5);
  EXPECT_THAT(wrong_with(huge.file()), HasSubstr("cannot be"));
  Forged empty;
  empty.add("", 0, 5);
  EXPECT_THAT(wrong_with(empty.file()), HasSubstr("cannot be"));
}

TEST(ZstdFramesHostile, SeveralFramesOrNoneInThePlaceOfOneAreRefused) {
  Forged two;
  two.add(Forged::zstd("ab") + Forged::zstd("cd"), 4);
  EXPECT_THAT(wrong_with(two.file()), HasSubstr("not one zstd frame"));
  Forged skippable;
  skippable.add(Forged::u32(0x184D2A51) + Forged::u32(2) + "xx", 2);
  EXPECT_THAT(wrong_with(skippable.file()), HasSubstr("not one zstd frame"));
  Forged text;
  text.add("plain text, not compressed", 26);
  EXPECT_THAT(wrong_with(text.file()), HasSubstr("not one zstd frame"));
}

TEST(ZstdFramesHostile, ATableOfMoreFramesThanThereIsRoomForIsRefused) {
  for (const std::uint32_t count : {0u, 3u, 1000u, 0x100001u, 0x7FFFFFFu, 0xFFFFFFFFu}) {
    std::string file = packed("hello");
    file.replace(file.size() - 9, 4, Forged::u32(count));
    EXPECT_NE(wrong_with(file), "") << count;
  }
}

TEST(ZstdFramesHostile, AFileThatZstdAloneMadeIsNotOurs) {
  EXPECT_THAT(wrong_with(Forged::zstd(lines(100, 100))), HasSubstr("does not end as"));
}

}  // namespace
}  // namespace agdb
