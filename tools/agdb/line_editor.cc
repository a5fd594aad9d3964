#include "tools/agdb/line_editor.h"

#include <histedit.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iostream>

namespace agdb {
namespace {

constexpr int kHistoryLines = 1000;

}  // namespace

struct LineEditor::State {
  EditLine* editor = nullptr;
  History* history = nullptr;
  std::string prompt;
  struct sigaction before{};

  // libedit asks for the prompt with nothing but the editor in hand.
  static char* ask_prompt(EditLine* editor) {
    void* self = nullptr;
    ::el_get(editor, EL_CLIENTDATA, &self);
    return static_cast<State*>(self)->prompt.data();
  }
};

LineEditor::LineEditor(bool terminal) : state_(terminal ? new State : nullptr) {
  if (state_ == nullptr) return;
  state_->editor = ::el_init("agdb", stdin, stdout, stderr);
  ::el_set(state_->editor, EL_CLIENTDATA, state_);
  ::el_set(state_->editor, EL_PROMPT, &State::ask_prompt);
  ::el_set(state_->editor, EL_EDITOR, "emacs");
  struct sigaction ignore_but_wake{};
  ignore_but_wake.sa_handler = [](int) {};
  ::sigaction(SIGINT, &ignore_but_wake, &state_->before);
  state_->history = ::history_init();
  HistEvent event;
  ::history(state_->history, &event, H_SETSIZE, kHistoryLines);
  ::history(state_->history, &event, H_SETUNIQUE, 1);
  ::el_set(state_->editor, EL_HIST, ::history, state_->history);
  ::el_source(state_->editor, nullptr);
}

LineEditor::~LineEditor() {
  if (state_ == nullptr) return;
  ::sigaction(SIGINT, &state_->before, nullptr);
  ::history_end(state_->history);
  ::el_end(state_->editor);
  delete state_;
}

std::optional<std::string> LineEditor::read(const std::string& prompt) {
  std::string line;
  if (state_ == nullptr) {
    if (!std::getline(std::cin, line)) return std::nullopt;
    return line;
  }
  state_->prompt = prompt;
  int length = 0;
  const char* typed = nullptr;
  // Ctrl-C wakes the read: the line typed so far is dropped, as shells do it, and a new one begins.
  for (;;) {
    errno = 0;
    typed = ::el_gets(state_->editor, &length);
    if (typed != nullptr || errno != EINTR) break;
    std::fputs("^C\n", stdout);
    ::el_reset(state_->editor);
  }
  if (typed == nullptr || length <= 0) return std::nullopt;
  line.assign(typed, static_cast<std::size_t>(length));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  HistEvent event;
  if (!line.empty()) ::history(state_->history, &event, H_ENTER, typed);
  return line;
}

}  // namespace agdb
