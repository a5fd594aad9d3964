// What ipc/README.md shows is sent as it stands, each of its blocks to a daemon of its own.
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "tests/unit/ipc/daemon/daemon_fixture.h"
#include "tests/unit/source_tree.h"

namespace agdb {
namespace {

struct Block {
  std::string heading;
  std::vector<std::string> sent;
};

std::vector<Block> read_blocks() {
  std::ifstream file(source_path("ipc/README.md"));
  std::vector<Block> blocks;
  std::string heading;
  bool within = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("### ")) heading = line.substr(4);
    if (line.starts_with("```")) {
      within = !within;
      if (within) blocks.push_back({heading, {}});
    } else if (within && line.starts_with("→ ")) {
      blocks.back().sent.push_back(line.substr(std::string_view("→ ").size()));
    }
  }
  return blocks;
}

class ProtocolExamplesTest : public DaemonTest {};

TEST_F(ProtocolExamplesTest, EveryExampleDoesWhatItSays) {
  const std::vector<Block> blocks = read_blocks();
  ASSERT_GE(blocks.size(), 6U);
  for (const Block& block : blocks) {
    serve();
    // Views, recordings and alerts need somebody to look at.
    DaemonClient other = connect();
    if (block.heading == "Views" || block.heading == "Recordings") spawn_idle(other);
    auto peer = BlockingConnection::open(socket);
    ASSERT_TRUE(peer.has_value());
    for (const std::string& line : block.sent) {
      ASSERT_TRUE(peer->send(line + "\n"));
      const Json request = *parse_json(line);
      if (request.find("id") == nullptr) continue;
      for (;;) {
        const Json answer = *parse_json(peer->receive().value().value());
        if (answer.find("method") != nullptr) continue;  // a view's
        EXPECT_EQ(answer["id"], request["id"]);
        EXPECT_NE(answer.find("result"), nullptr) << line << "\n" << dump(answer);
        EXPECT_EQ(answer["result"].find("rejected"), nullptr) << line;
        break;
      }
    }
    stop();
  }
}

// A method that the table in the README does not tell, or that has no example, fails here.
TEST_F(ProtocolExamplesTest, EveryMethodIsTold) {
  std::stringstream text;
  text << std::ifstream(source_path("ipc/README.md")).rdbuf();
  serve();
  DaemonClient client = connect();
  const Json methods = must(client.call("daemon.methods", {}))["methods"];
  ASSERT_GT(methods.size(), 20U);
  for (const Json& name : methods.items()) {
    EXPECT_THAT(text.str(), ::testing::HasSubstr("| `" + name.string() + "` |"));
    EXPECT_THAT(text.str(), ::testing::HasSubstr("\"method\":\"" + name.string() + "\""));
  }
}

}  // namespace
}  // namespace agdb
