#include "ipc/http/worker_pool.h"

#include <utility>

namespace agdb {

WorkerPool::WorkerPool(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

WorkerPool::~WorkerPool() {
  close();
}

void WorkerPool::post(Task task) {
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) return;
    tasks_.push_back(std::move(task));
  }
  there_is_more_.notify_one();
}

void WorkerPool::close() {
  std::deque<Task> undone;
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    undone.swap(tasks_);
  }
  there_is_more_.notify_all();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

void WorkerPool::work() {
  for (;;) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      there_is_more_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
      if (closed_) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace agdb
