#include <cstdio>
#include <functional>
#include <map>
#include <string>

#include "tests/bench/bench.h"

// agdb_bench [PART...]: runs all parts, or those named. Exit code 3 when a goal is missed.
int main(int argc, char** argv) {
  using namespace agdb::bench;
  const std::map<std::string, std::function<void()>> parts = {
      {"1-emit", bench_emit},
      {"2-serialise", bench_serialise},
      {"3-pipeline", bench_pipeline},
      {"4-reading", bench_reading},
      {"5-views", bench_views},
      {"6-wire", bench_wire},
      {"7-trace_export", bench_trace_export},
      {"8-trace", bench_trace},
      {"9-store", bench_store},
      {"a-http", bench_http}};
  for (const auto& [name, run] : parts) {
    bool wanted = argc == 1;
    for (int i = 1; i < argc; ++i) wanted = wanted || name.substr(2) == argv[i];
    if (wanted) run();
  }
  return all_met() ? 0 : 3;
}
