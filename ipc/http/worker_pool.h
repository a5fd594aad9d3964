#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace agdb {

// A few threads that do what may take a while, in the order in which it was asked for.
class WorkerPool {
 public:
  using Task = std::move_only_function<void()>;

  explicit WorkerPool(std::size_t threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Any thread. After close the task is let go of undone.
  void post(Task task);
  // Lets go of what waits, and returns when what is being done is done.
  void close();

 private:
  void work();

  std::mutex mutex_;  // tasks_, closed_
  std::condition_variable there_is_more_;
  std::deque<Task> tasks_;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace agdb
