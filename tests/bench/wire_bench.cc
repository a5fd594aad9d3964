#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "ipc/wire/connection.h"
#include "runtime/events/result.h"
#include "tests/bench/bench.h"

namespace agdb::bench {
namespace {

constexpr int kTurns = 5;
constexpr std::size_t kLine = 300;  // an event of a view, or a call that an agent tells
constexpr std::size_t kBatch = std::size_t{64} << 10;

// What the thread at the other end does with its socket until the peer hangs up.
using Serve = std::function<void(int fd)>;

struct Heard {
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;
};

// The least that somebody does who reads lines.
class PlainReader {
 public:
  // False: the end.
  template <typename OnLine>
  bool read_some(int fd, OnLine on_line) {
    const ssize_t got = ::read(fd, bytes_.data() + kept_, bytes_.size() - kept_);
    if (got <= 0) return false;
    std::string_view rest(bytes_.data(), kept_ + static_cast<std::size_t>(got));
    for (std::size_t end = 0; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1))
      on_line(rest.substr(0, end));
    kept_ = rest.size();
    std::memmove(bytes_.data(), rest.data(), kept_);
    return true;
  }

 private:
  std::vector<char> bytes_ = std::vector<char>(kBatch);
  std::size_t kept_ = 0;
};

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::write(fd, bytes.data(), bytes.size());
    AGDB_ASSERT(sent > 0, "the other end has gone");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void serve_by_read(int fd, Heard& heard) {
  PlainReader reader;
  while (reader.read_some(fd, [&](std::string_view line) {
    ++heard.lines;
    heard.bytes += line.size() + 1;
  })) {
  }
  ::close(fd);
}

void echo_by_read(int fd) {
  PlainReader reader;
  std::string answer;
  while (reader.read_some(fd, [&](std::string_view line) {
    answer.assign(line).append("\n");
    write_all(fd, answer);
  })) {
  }
  ::close(fd);
}

void serve_by_connection(int fd,
                         const std::function<void(Connection&, std::string_view)>& on_line) {
  boost::asio::io_context loop(1);
  Connection connection(loop, fd);
  connection.start({.line = [&](const LineBuffer::Line& line) { on_line(connection, line.text); },
                    .drained = nullptr,
                    .ended = [&] { connection.finish(); },
                    .closed = nullptr});
  loop.run();
}

// Calls `talk` with one end of a socket whose other end is served by another thread.
void with_server(const Serve& serve, bool same_core, const std::function<void(int fd)>& talk) {
  std::array<int, 2> ends{};
  AGDB_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0, "socketpair");
  std::thread server([&] { serve(ends[1]); });
  if (same_core) {
    pin_together();
  } else {
    pin_apart();
  }
  talk(ends[0]);
  ::shutdown(ends[0], SHUT_WR);
  server.join();
  ::close(ends[0]);
}

// Lines a second, each of kLine bytes with its end, written `batch` bytes at once.
double ingest(const Serve& serve, const Heard& heard, std::size_t batch, std::uint64_t lines) {
  const Heard before = heard;
  std::string text;
  while (text.size() + kLine <= std::max(batch, kLine)) text += std::string(kLine - 1, 'x') + '\n';
  const std::uint64_t writes = lines / (text.size() / kLine);
  const std::int64_t began = now();
  with_server(serve, false, [&](int fd) {
    for (std::uint64_t i = 0; i < writes; ++i) write_all(fd, text);
  });
  const auto seconds = static_cast<double>(now() - began) / 1e9;
  AGDB_ASSERT(heard.bytes - before.bytes == writes * text.size(), "bytes were lost");
  AGDB_ASSERT((heard.lines - before.lines) * kLine == heard.bytes - before.bytes, "other lines");
  return static_cast<double>(heard.lines - before.lines) / seconds;
}

std::vector<double> round_trips(const Serve& serve) {
  constexpr int kRounds = 20'000;
  const std::string line = std::string(kLine - 1, 'x') + '\n';
  std::vector<double> times;
  times.reserve(kRounds);
  with_server(serve, true, [&](int fd) {
    std::string answer(kLine, '\0');
    for (int i = 0; i < kRounds; ++i) {
      const std::int64_t began = now();
      write_all(fd, line);
      std::size_t got = 0;
      while (got < kLine) {
        const ssize_t some = ::read(fd, answer.data() + got, kLine - got);
        AGDB_ASSERT(some > 0, "the server has gone");
        got += static_cast<std::size_t>(some);
      }
      times.push_back(static_cast<double>(now() - began));
      AGDB_ASSERT(answer == line, "another answer");
    }
  });
  return times;
}

void bench_ingest(const std::string& what, std::size_t batch, std::uint64_t lines, double goal) {
  Heard heard;
  const Serve plain = [&](int fd) { serve_by_read(fd, heard); };
  const Serve ours = [&](int fd) {
    serve_by_connection(fd, [&](Connection&, std::string_view line) {
      ++heard.lines;
      heard.bytes += line.size() + 1;
    });
  };
  std::vector<double> by_plain;
  std::vector<double> by_ours;
  for (int turn = 0; turn < kTurns; ++turn) {
    by_plain.push_back(ingest(plain, heard, batch, lines));
    by_ours.push_back(ingest(ours, heard, batch, lines));
  }
  print({fmt::format("{}: read(2) loop", what), median(by_plain) / 1e6, "M/s"});
  print({fmt::format("{}: Connection", what), median(by_ours) / 1e6, "M/s"});
  const double ratio = median(by_ours) / median(by_plain);
  print({"  against the loop", ratio, "x", fmt::format(">= {}", goal), ratio >= goal});
}

void bench_round_trip() {
  const Serve ours = [](int fd) {
    serve_by_connection(fd, [](Connection& connection, std::string_view line) {
      connection.send(std::string(line) + "\n");
    });
  };
  std::vector<double> by_plain;
  std::vector<double> by_ours;
  std::vector<double> late_by_plain;
  std::vector<double> late_by_ours;
  for (int turn = 0; turn < kTurns; ++turn) {
    const std::vector<double> plain_times = round_trips(echo_by_read);
    const std::vector<double> our_times = round_trips(ours);
    by_plain.push_back(median(plain_times));
    by_ours.push_back(median(our_times));
    late_by_plain.push_back(percentile(plain_times, 99));
    late_by_ours.push_back(percentile(our_times, 99));
  }
  print({"round trip, read(2) echo, median", median(by_plain) / 1e3, "us"});
  print({"round trip, read(2) echo, p99", median(late_by_plain) / 1e3, "us"});
  print({"round trip, Connection, median", median(by_ours) / 1e3, "us"});
  print({"round trip, Connection, p99", median(late_by_ours) / 1e3, "us"});
  const double ratio = median(by_ours) / median(by_plain);
  print({"  median against the echo", ratio, "x", "<= 1.3", ratio <= 1.3});
}

}  // namespace

void bench_wire() {
  print_title(
      "Wire: lines of 300 bytes over a Unix socket; ingest on two cores, round trips on one");
  bench_ingest("a line a write", kLine, 300'000, 0.85);
  bench_ingest("64 KiB a write", kBatch, 10'000'000, 0.8);
  bench_round_trip();
}

}  // namespace agdb::bench
