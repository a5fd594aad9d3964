#define NCURSES_NOMACROS 1  // its macros bear the names of everyday things
#include <curses.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <clocale>
#include <functional>
#include <memory>

#include "tools/agdb/daemon_session.h"
#include "tools/agdb/process_table.h"

namespace agdb {
namespace {

struct TopArguments {
  std::string socket;
  double interval = 1.0;
  bool all = false;
};

// The terminal in curses' hands, and back again whatever happens.
class Screen {
 public:
  Screen() {
    std::setlocale(LC_CTYPE, "");
    initscr();
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    curs_set(0);
    if (has_colors()) {
      start_color();
      use_default_colors();
      init_pair(1, COLOR_YELLOW, -1);
      init_pair(2, COLOR_RED, -1);
      init_pair(3, COLOR_CYAN, -1);
    }
  }
  ~Screen() { endwin(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  static int rows() { return LINES; }
  static std::size_t columns() { return static_cast<std::size_t>(std::max(COLS, 20)); }
  static void line(int row, const std::string& text, attr_t attributes = A_NORMAL) {
    attrset(static_cast<int>(attributes));
    mvaddnstr(row, 0, text.c_str(), -1);
    attrset(A_NORMAL);
    clrtoeol();
  }
};

double spent_share(const Json& process) {
  const std::int64_t budget = process.integer("budget");
  if (budget <= 0) return -1;
  return static_cast<double>(process.integer("tokens_used")) / static_cast<double>(budget);
}

// What the table is sorted by; the first letter of the name is the key.
struct Order {
  const char* name;
  bool (*before)(const Json& a, const Json& b);
};
constexpr Order kOrders[] = {
    {"Pid", [](const Json& a, const Json& b) { return a.integer("pid") < b.integer("pid"); }},
    {"Tokens", [](const Json& a,
                  const Json& b) { return a.integer("tokens_used") > b.integer("tokens_used"); }},
    {"Context",
     [](const Json& a, const Json& b) {
       return a.integer("context_tokens") > b.integer("context_tokens");
     }},
    {"Steps", [](const Json& a, const Json& b) { return a.integer("steps") > b.integer("steps"); }},
    {"Elapsed", [](const Json& a,
                   const Json& b) { return a.integer("elapsed_ns") > b.integer("elapsed_ns"); }},
    {"Budget", [](const Json& a, const Json& b) { return spent_share(a) > spent_share(b); }},
};

constexpr std::size_t kSparkWidth = 8;

attr_t look_of(const Json& process) {
  const std::string_view alert = process.text("alert");
  if (process.text("state") == "dead" || process.text("state") == "zombie") return A_DIM;
  if (alert == "exceeded" || alert == "critical") return COLOR_PAIR(2);
  if (alert == "warning") return COLOR_PAIR(1);
  if (process.text("state") == "suspended") return COLOR_PAIR(3);
  return A_NORMAL;
}

class Top {
 public:
  Top(const TopArguments& arguments, DaemonClient& client)
      : arguments_(arguments), client_(client), all_(arguments.all) {}

  // Until q, Ctrl-C, or the daemon's end. What goes wrong is told when the terminal is back.
  Result<ExitCode> run() {
    const Screen screen;
    for (;;) {
      AGDB_CHECK_OK(ask());
      const auto until =
          std::chrono::steady_clock::now() + std::chrono::duration<double>(arguments_.interval);
      for (;;) {
        draw();
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (left.count() <= 0) break;
        timeout(static_cast<int>(left.count()));
        const int key = getch();
        if (key == ERR) break;
        if (!handle(key)) return ExitCode::kDone;
        if (key == 'a') break;
      }
    }
  }

 private:
  Status ask() {
    AGDB_TRY(Json told, client_.call("process.list", Json::object({{"ended", all_}})));
    AGDB_TRY(status_, client_.call("daemon.status", {}));
    processes_.clear();
    if (Json* list = told.find("processes"); list != nullptr && list->is_array())
      processes_ = std::move(list->items());
    return {};
  }

  void draw() {
    if (!forest_) std::ranges::stable_sort(processes_, kOrders[order_].before);
    erase();
    Screen::line(0, summary());
    const std::string header =
        fmt::format("{:<{}} {}", "GROWTH", kSparkWidth, table_header(Parents::kLeftOut));
    Screen::line(1, header.substr(0, Screen::columns()), A_REVERSE);
    const int last = Screen::rows() - 1;
    draw_rows(last);
    Screen::line(last, keys().substr(0, Screen::columns()), A_DIM);
    refresh();
  }

  std::string summary() const {
    const Json& counts = status_["processes"];
    return fmt::format("agdb {}  up {}  alive {} (foreign {})  ended {}  recordings {}  views {}",
                       status_.text("version"), clock_text(status_.integer("uptime_ns")),
                       counts.integer("alive"), counts.integer("foreign"), counts.integer("ended"),
                       status_.integer("recordings"), status_.integer("views"));
  }

  // From the third line of the screen to the one before `last`.
  void draw_rows(int last) {
    const std::vector<TableRow> rows = table_rows(processes_, forest_);
    const auto room = static_cast<std::size_t>(std::max(0, last - 2));
    first_ = std::min(first_, rows.size() > room ? rows.size() - room : 0);
    int at = 2;
    for (std::size_t i = first_; i < rows.size() && at < last; ++i, ++at) {
      const Json& process = *rows[i].process;
      const std::size_t count = std::min(process["recent"].size(), kSparkWidth);
      const std::string line =
          table_line(rows[i], Screen::columns() - kSparkWidth - 1, Parents::kLeftOut);
      Screen::line(at,
                   std::string(kSparkWidth - count, ' ') +
                       sparkline(process["recent"], kSparkWidth) + " " + line,
                   look_of(process));
    }
    if (rows.empty()) Screen::line(2, "no process; `agdb spawn SCRIPT` starts one");
  }

  std::string keys() const {
    std::string text = fmt::format("q quit  a {}  f {}  sort:", all_ ? "living" : "all",
                                   forest_ ? "flat" : "forest");
    for (std::size_t i = 0; i < std::size(kOrders); ++i)
      text +=
          i == order_ ? fmt::format(" [{}]", kOrders[i].name) : fmt::format(" {}", kOrders[i].name);
    return text;
  }

  // False: leave.
  bool handle(int key) {
    switch (key) {
      case 'q':
      case 'Q':
        return false;
      case 'a':
        all_ = !all_;
        return true;
      case 'f':
        forest_ = !forest_;
        return true;
      case KEY_DOWN:
      case 'j':
        ++first_;
        return true;
      case KEY_UP:
      case 'k':
        if (first_ > 0) --first_;
        return true;
      case KEY_NPAGE:
        first_ += 10;
        return true;
      case KEY_PPAGE:
        first_ -= std::min<std::size_t>(first_, 10);
        return true;
      default:
        break;
    }
    for (std::size_t i = 0; i < std::size(kOrders); ++i)
      if (key == kOrders[i].name[0] || key == kOrders[i].name[0] + ('a' - 'A')) order_ = i;
    return true;
  }

  const TopArguments& arguments_;
  DaemonClient& client_;
  std::vector<Json> processes_;
  Json status_;
  std::size_t order_ = 0;
  std::size_t first_ = 0;
  bool all_;
  bool forest_ = false;
};

Result<ExitCode> top(const TopArguments& arguments, Environment& env) {
  AGDB_TRY(DaemonSession session, DaemonSession::open(arguments.socket, env));
  if (!env.console->out_is_terminal() || ::isatty(STDIN_FILENO) == 0)
    return fail(Code::kInvalid, "top needs a terminal", "`agdb ps --json` is for programs");
  return Top(arguments, session.client()).run();
}

}  // namespace

Runner declare_top(CommandLine& line) {
  auto arguments = std::make_shared<TopArguments>();
  line.option("-d,--delay", "S", arguments->interval, "seconds between updates (default 1)")
      .between(0.1, 3600);
  line.flag("--all", arguments->all, "those that have ended too");
  add_socket_option(line, arguments->socket);
  return [arguments](Environment& env) { return or_interrupted(top(*arguments, env)); };
}

}  // namespace agdb
