#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "debug/record/event_line.h"
#include "debug/record/reader.h"
#include "debug/record/snapshot_chain.h"

namespace agdb {

// Writes a small recording event by event, and opens it as the commands do. Event i has the number
// i, from 1, and begins at i * 100 ms.
class TestRecording {
 public:
  enum class Version { k1, k2 };
  explicit TestRecording(Version version = Version::k2);

  SeqNum call(std::string name, Json args = {}, Json result = {});
  SeqNum response(LlmResponse response);
  // Version 1: a snapshot of these texts.
  SeqNum texts(const std::vector<std::string>& texts);
  // Version 2: the context as it is from here on; full or delta as the recorder would choose.
  SeqNum context(const std::string& prompt, const std::vector<Message>& messages,
                 CtxId ctx = CtxId{1});
  SeqNum gap();
  // A line as it is.
  void line(std::string_view text);
  // The next event gets this number.
  void jump_to(std::uint64_t seq) { next_seq_ = seq; }

  RecordingMetadata& metadata() { return metadata_; }
  // The folder as it is now; fails the test when it does not open.
  Recording open();

 private:
  RecordedEvent event(std::string type);
  SeqNum append(const RecordedEvent& event);

  RecordingMetadata metadata_;
  std::string text_;
  std::uint64_t next_seq_ = 1;
  SnapshotChain chain_;
  std::map<CtxId, std::vector<MessagePtr>> contexts_;
};

Message user(std::string content);
Message assistant(std::string content);

}  // namespace agdb
