#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "debug/record/event_text.h"

namespace agdb {

// The pieces of a text, each read and looked through by whichever thread is free, and handed over
// in their order. Copying a file out of the system's cache takes about as long as looking for its
// lines, so both are shared out, and a piece is looked at by the core that has just copied it.
//
//   struct Worker {
//     struct Found {...};                                      // what is known of one piece
//     void look(std::uint64_t offset, std::string_view text, Found& found);
//   };
//   PieceWork<Worker> work(text, 0, size);
//   while (const PieceWork<Worker>::Piece* piece = work.next()) use(*piece);
//
// next() is for one thread, which does its share of the work; each thread has a worker of its own,
// so a worker needs no locks. The text outlives it. A piece that could not be read is the last one.
// A `Found` is used again for a later piece: look() begins by emptying it.
template <typename Worker>
class PieceWork {
 public:
  struct Piece {
    std::uint64_t offset = 0;
    std::string text;
    Status status;  // of reading it; what is below means nothing after an error
    typename Worker::Found found;
  };

  // Large enough that handing over costs nothing, small enough to stay in the processor's cache.
  static constexpr std::uint64_t kPieceBytes = std::uint64_t{256} << 10;

  // [from, end). A piece of a compressed text is one frame.
  PieceWork(const EventText& text, std::uint64_t from, std::uint64_t end,
            std::uint64_t piece_bytes = kPieceBytes)
      : text_(text), at_(from), end_(end), piece_bytes_(piece_bytes) {
    const std::size_t threads = thread_count();
    for (std::size_t i = 0; i < threads; ++i) workers_.push_back(std::make_unique<Worker>());
    slots_.resize(kSlots * threads);
    start_threads();
  }
  ~PieceWork() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  PieceWork(const PieceWork&) = delete;
  PieceWork& operator=(const PieceWork&) = delete;

  // The next piece, valid until the call after; nullptr behind the last.
  Piece* next() {
    std::unique_lock lock(mutex_);
    if (current_ != nullptr) {
      current_->state = State::kFree;
      failed_ = failed_ || !current_->piece.status;
      current_ = nullptr;
      ++given_;
      changed_.notify_all();
    }
    while (true) {
      if (failed_) return nullptr;
      Slot& wanted = slots_[given_ % slots_.size()];
      if (given_ < taken_ && wanted.state == State::kReady) {
        current_ = &wanted;
        return &wanted.piece;
      }
      if (Slot* const mine = take()) {
        work(*mine, *workers_.front(), lock);
      } else if (given_ == taken_) {
        return nullptr;
      } else {
        changed_.wait(lock);
      }
    }
  }

 private:
  static constexpr std::size_t kMaxThreads = 4;
  // Pieces that a thread may be ahead: so many that it seldom waits for another, since waking one
  // that sleeps takes as long as a piece.
  static constexpr std::size_t kSlots = 8;

  enum class State { kFree, kTaken, kReady };
  struct Slot {
    State state = State::kFree;
    std::uint64_t end = 0;  // of the piece
    Piece piece;
  };

  std::size_t thread_count() const {
    const std::size_t cores =
        std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMaxThreads);
    const std::uint64_t pieces = (end_ - std::min(at_, end_)) / piece_bytes_ + 1;
    return static_cast<std::size_t>(std::min<std::uint64_t>(cores, pieces));
  }

  // As many as there is work for and the system gives; next() can do all of it.
  void start_threads() {
    try {
      for (std::size_t i = 1; i < workers_.size(); ++i)
        threads_.emplace_back([this, i] { run(*workers_[i]); });
    } catch (const std::system_error&) {
      return;
    }
  }

  // The next piece that nobody works on; nullptr when there is none, or no room. Locked.
  Slot* take() {
    if (at_ >= end_ || taken_ - given_ >= slots_.size()) return nullptr;
    Slot& slot = slots_[taken_++ % slots_.size()];
    slot.state = State::kTaken;
    slot.piece.offset = at_;
    slot.end = at_ + std::min(piece_bytes_, end_ - at_);
    if (text_.compressed()) {
      // A piece is one frame, so that each is decoded once, and a damaged one takes nothing with
      // it.
      const Result<std::uint64_t> frame_end = text_.piece_end(at_);
      if (frame_end) slot.end = std::min(*frame_end, end_);
    }
    at_ = slot.end;
    return &slot;
  }

  void work(Slot& slot, Worker& worker, std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    Piece& piece = slot.piece;
    piece.status =
        text_.read(piece.offset, static_cast<std::size_t>(slot.end - piece.offset), piece.text);
    if (piece.status) worker.look(piece.offset, piece.text, piece.found);
    lock.lock();
    slot.state = State::kReady;
    changed_.notify_all();
  }

  void run(Worker& worker) {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (Slot* const slot = take()) {
        work(*slot, worker, lock);
      } else if (at_ >= end_) {
        return;
      } else {
        changed_.wait(lock);
      }
    }
  }

  const EventText& text_;
  std::vector<std::unique_ptr<Worker>> workers_;  // the first is next()'s

  std::mutex mutex_;  // what follows, but for what a thread has taken
  std::condition_variable changed_;
  std::uint64_t at_;  // of the piece that is taken next
  const std::uint64_t end_;
  const std::uint64_t piece_bytes_;
  std::uint64_t taken_ = 0;  // pieces
  std::uint64_t given_ = 0;
  std::vector<Slot> slots_;  // in turn; those in [given_, taken_) are in use
  Slot* current_ = nullptr;
  bool failed_ = false;
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

// Where the whole lines of a piece stand: behind its first line end, up to behind its last. What is
// in front ends a line that began before it (or is one), what is behind begins one.
struct WholeLines {
  std::size_t begin = 0;
  std::size_t end = 0;  // 0: no line ends in the piece

  static WholeLines of(std::string_view piece) {
    const std::size_t first = piece.find('\n');
    if (first == std::string_view::npos) return {};
    return {.begin = first + 1, .end = piece.rfind('\n') + 1};
  }
};

// Goes through the pieces: `take(line)` with each line that is not whole in one piece, its end
// included, and `take(piece, lines)` with the whole lines of each; all in their order. What stands
// behind the last line's end is left out, and it stops before a line of more than `longest` bytes
// and where a piece cannot be read, which is the error. `see` is given each piece as a whole first.
template <typename Worker, typename See, typename TakeLine, typename TakeWhole>
Status take_lines_of(PieceWork<Worker>& work, std::size_t longest, See see, TakeLine take_line,
                     TakeWhole take_whole) {
  std::string begun;  // a line that goes on in the next piece
  while (auto* const piece = work.next()) {
    AGDB_CHECK_OK(piece->status);
    const std::string_view text = piece->text;
    see(text);
    const WholeLines whole = WholeLines::of(text);
    begun += text.substr(0, whole.end == 0 ? text.size() : whole.begin);
    if (begun.size() > longest) return {};
    if (whole.end == 0) continue;
    take_line(std::string_view(begun));
    take_whole(*piece, text.substr(whole.begin, whole.end - whole.begin));
    begun = text.substr(whole.end);
  }
  return {};
}

}  // namespace agdb
