#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "runtime/events/script.h"

namespace agdb {

static void PrintTo(const ScriptPlace& place, std::ostream* out) {
  *out << "turn " << place.next_turn << " with " << place.edits_done << " edits done";
}

namespace {

using Kind = ContextEdit::Kind;

Message user(std::string content) {
  return {.role = "user", .content = std::move(content)};
}
Message assistant(std::string content = "answer") {
  return {.role = "assistant", .content = std::move(content)};
}
Message tool(std::string content = "result") {
  return {.role = "tool", .content = std::move(content)};
}
Message of_turn(std::uint64_t turn, Message message) {
  message.turn = turn;
  return message;
}

ContextEdit append(Message message) {
  return {Kind::kAppend, 0, {std::move(message)}, "", {}};
}
ContextEdit say(std::string content) {
  return append(user(std::move(content)));
}
ContextEdit compact(std::uint64_t keep, std::vector<Message> messages) {
  return {Kind::kCompact, keep, std::move(messages), "", {}};
}
ContextEdit set_prompt() {
  return {Kind::kSetPrompt, 0, {}, "prompt", {}};
}

// A turn with those edits before it.
ScriptTurn after(std::vector<ContextEdit> edits, std::uint64_t next = 0) {
  ScriptTurn turn;
  turn.before = std::move(edits);
  turn.next = next;
  return turn;
}

using Messages = std::vector<Message>;

std::vector<MessagePtr> context_of(const Messages& messages) {
  std::vector<MessagePtr> context;
  for (const Message& message : messages)
    context.push_back(std::make_shared<const Message>(message));
  return context;
}

ScriptPlace place(const ScriptAgent& agent, const Messages& context) {
  return place_in(agent, context_of(context));
}

ScriptAgent agent_with(std::vector<ScriptTurn> turns, Messages born = {user("go")}) {
  ScriptAgent agent;
  agent.messages = std::move(born);
  agent.turns = std::move(turns);
  return agent;
}

// Turns.

TEST(ScriptPlace, FreshContextStandsAtTheFirstTurn) {
  EXPECT_EQ(place(agent_with({after({})}), {user("go")}), (ScriptPlace{1, 0}));
  EXPECT_EQ(place(agent_with({after({})}, {}), {}), (ScriptPlace{1, 0}));
}

TEST(ScriptPlace, ScriptWithoutTurnsHasNoNext) {
  EXPECT_EQ(place(agent_with({}), {user("go")}), (ScriptPlace{0, 0}));
}

TEST(ScriptPlace, TheLastMessageWithATurnTells) {
  const ScriptAgent agent = agent_with({after({}), after({}), after({})});
  EXPECT_EQ(place(agent, {user("go"), of_turn(1, assistant())}).next_turn, 2u);
  EXPECT_EQ(place(agent, {user("go"), of_turn(2, assistant()), tool()}).next_turn, 3u);
  EXPECT_EQ(place(agent, {of_turn(2, user("summary"))}).next_turn, 3u);
  EXPECT_EQ(place(agent, {of_turn(3, assistant()), of_turn(1, user("x"))}).next_turn, 2u);
}

TEST(ScriptPlace, BehindTheLastTurnThereIsNone) {
  const ScriptAgent agent = agent_with({after({}), after({})});
  EXPECT_EQ(place(agent, {of_turn(2, assistant())}), (ScriptPlace{0, 0}));
  EXPECT_EQ(place(agent, {of_turn(3, assistant())}), (ScriptPlace{0, 0}));
  EXPECT_EQ(place(agent, {of_turn(~std::uint64_t{0}, assistant())}), (ScriptPlace{0, 0}));
}

TEST(ScriptPlace, NextLeadsElsewhere) {
  const ScriptAgent agent = agent_with({after({}, 3), after({}), after({}, 1)});
  EXPECT_EQ(place(agent, {of_turn(1, assistant())}).next_turn, 3u);
  EXPECT_EQ(place(agent, {of_turn(3, assistant())}).next_turn, 1u);
}

TEST(ScriptPlace, WithoutTurnsAnswersAreCounted) {
  const ScriptAgent agent = agent_with({after({}), after({}), after({})});
  EXPECT_EQ(place(agent, {user("go"), assistant(), tool(), assistant()}), (ScriptPlace{3, 0}));
  EXPECT_EQ(place(agent, {assistant(), assistant(), assistant()}), (ScriptPlace{0, 0}));
}

TEST(ScriptPlace, AnswersThatTheAgentWasBornWithAreNotItsOwn) {
  const ScriptAgent agent =
      agent_with({after({}), after({})}, {user("2+2"), assistant("4"), user("3+3")});
  EXPECT_EQ(place(agent, agent.messages), (ScriptPlace{1, 0}));
  Messages later = agent.messages;
  later.push_back(assistant("6"));
  EXPECT_EQ(place(agent, later), (ScriptPlace{2, 0}));
  EXPECT_EQ(place(agent, {user("all gone")}), (ScriptPlace{1, 0}));
}

TEST(ScriptPlace, AgentMayBeBornInTheMiddleOfItsScript) {
  const ScriptAgent agent =
      agent_with({after({}), after({}), after({})}, {user("go"), of_turn(2, assistant())});
  EXPECT_EQ(place(agent, agent.messages), (ScriptPlace{3, 0}));
}

// Edits, in contexts that are as the script makes them.

TEST(ScriptPlace, EditsAreDoneOneByOne) {
  const ScriptAgent agent = agent_with({after({}), after({say("a"), say("b")})});
  Messages context = {user("go"), of_turn(1, assistant()), tool()};
  EXPECT_EQ(place(agent, context), (ScriptPlace{2, 0}));
  context.push_back(of_turn(1, user("a")));
  EXPECT_EQ(place(agent, context), (ScriptPlace{2, 1}));
  context.push_back(of_turn(1, user("b")));
  EXPECT_EQ(place(agent, context), (ScriptPlace{2, 2}));
}

TEST(ScriptPlace, EditsBeforeTheFirstTurnStandBehindTheMessagesOfBirth) {
  const ScriptAgent agent = agent_with({after({say("go"), say("b")})});
  EXPECT_EQ(place(agent, {user("go")}), (ScriptPlace{1, 0}));
  EXPECT_EQ(place(agent, {user("go"), user("go")}), (ScriptPlace{1, 1}));
  EXPECT_EQ(place(agent, {user("go"), user("go"), user("b")}), (ScriptPlace{1, 2}));
}

TEST(ScriptPlace, ResultsMayCarryTheTurnToo) {
  const ScriptAgent agent = agent_with({after({}), after({say("a")})});
  EXPECT_EQ(place(agent, {of_turn(1, assistant()), of_turn(1, tool())}), (ScriptPlace{2, 0}));
  EXPECT_EQ(place(agent, {of_turn(1, assistant()), of_turn(1, tool()), of_turn(1, user("a"))}),
            (ScriptPlace{2, 1}));
}

TEST(ScriptPlace, CompactionIsOneEditWhateverItPutsThere) {
  const ScriptAgent agent = agent_with(
      {after({}), after({compact(1, {user("sum"), assistant("kept"), tool("kept")}), say("on")})});
  Messages context = {user("go"), of_turn(1, user("sum")), of_turn(1, assistant("kept")),
                      of_turn(1, tool("kept"))};
  EXPECT_EQ(place(agent, context), (ScriptPlace{2, 1}));
  context.push_back(of_turn(1, user("on")));
  EXPECT_EQ(place(agent, context), (ScriptPlace{2, 2}));
}

TEST(ScriptPlace, CompactionTakesTheMessagesOfEarlierEditsAway) {
  const ScriptAgent agent =
      agent_with({after({}), after({say("compact!"), compact(1, {user("sum")}), say("on")})});
  const Messages begin = {user("go"), of_turn(1, assistant()), tool(),
                          of_turn(1, user("compact!"))};
  EXPECT_EQ(place(agent, begin), (ScriptPlace{2, 1}));
  EXPECT_EQ(place(agent, {user("go"), of_turn(1, user("sum"))}), (ScriptPlace{2, 2}));
  EXPECT_EQ(place(agent, {user("go"), of_turn(1, user("sum")), of_turn(1, user("on"))}),
            (ScriptPlace{2, 3}));
}

TEST(ScriptPlace, CompactionThatKeepsAllIsSeenByItsMessages) {
  const ScriptAgent agent = agent_with({after({}), after({say("a"), compact(100, {user("sum")})})});
  Messages context = {user("go"), of_turn(1, assistant()), of_turn(1, user("a"))};
  EXPECT_EQ(place(agent, context), (ScriptPlace{2, 1}));
  context.push_back(of_turn(1, user("sum")));
  EXPECT_EQ(place(agent, context), (ScriptPlace{2, 2}));
}

TEST(ScriptPlace, PromptIsDoneWhenALaterEditIs) {
  const ScriptAgent agent = agent_with({after({}), after({set_prompt(), say("a"), set_prompt()})});
  EXPECT_EQ(place(agent, {of_turn(1, assistant())}), (ScriptPlace{2, 0}));
  EXPECT_EQ(place(agent, {of_turn(1, assistant()), of_turn(1, user("a"))}), (ScriptPlace{2, 2}));
}

TEST(ScriptPlace, EditsOfALoopAreThoseOfThisRound) {
  const ScriptAgent agent = agent_with({after({say("again")}, 1)}, {user("go")});
  Messages context = {user("go"), user("again"), of_turn(1, assistant())};
  EXPECT_EQ(place(agent, context), (ScriptPlace{1, 0}));
  context.push_back(of_turn(1, user("again")));
  EXPECT_EQ(place(agent, context), (ScriptPlace{1, 1}));
  context.push_back(of_turn(1, assistant()));
  EXPECT_EQ(place(agent, context), (ScriptPlace{1, 0}));
}

TEST(ScriptPlace, EditsAreSeenInContextsWithoutTurns) {
  const ScriptAgent agent = agent_with({after({}), after({say("a")})});
  EXPECT_EQ(place(agent, {user("go"), assistant(), tool()}), (ScriptPlace{2, 0}));
  EXPECT_EQ(place(agent, {user("go"), assistant(), tool(), user("a")}), (ScriptPlace{2, 1}));
}

TEST(ScriptPlace, AppendedAssistantMessageIsNoAnswer) {
  const ScriptAgent agent = agent_with({after({}), after({append(assistant("notice")), say("a")})});
  Messages context = {user("go"), of_turn(1, assistant()), of_turn(1, assistant("notice"))};
  EXPECT_EQ(place(agent, context), (ScriptPlace{2, 1}));
  context.push_back(of_turn(1, user("a")));
  EXPECT_EQ(place(agent, context), (ScriptPlace{2, 2}));
}

TEST(ScriptPlace, BehindTheLastTurnTheClosingEditsAreDoneOneByOne) {
  ScriptAgent agent = agent_with({after({})});
  agent.closing = {say("thanks"), say("bye")};
  Messages context = {user("go"), of_turn(1, assistant())};
  EXPECT_EQ(place(agent, context), (ScriptPlace{0, 0}));
  context.push_back(of_turn(1, user("thanks")));
  EXPECT_EQ(place(agent, context), (ScriptPlace{0, 1}));
  context.push_back(of_turn(1, user("bye")));
  EXPECT_EQ(place(agent, context), (ScriptPlace{0, 2}));
}

// Contexts that were edited by hand.

TEST(ScriptPlace, RewrittenMessageIsNotSaidAgain) {
  const ScriptAgent agent = agent_with({after({}), after({say("a"), say("b")})});
  Messages context = {user("go"), of_turn(1, assistant()), of_turn(1, user("other"))};
  EXPECT_EQ(place(agent, context), (ScriptPlace{2, 1}));
  context.push_back(of_turn(1, user("b")));
  EXPECT_EQ(place(agent, context), (ScriptPlace{2, 2}));
}

TEST(ScriptPlace, RewrittenMessageBeforeTheFirstTurnIsNotSaidAgain) {
  EXPECT_EQ(place(agent_with({after({say("a")})}), {user("go"), user("other")}),
            (ScriptPlace{1, 1}));
}

TEST(ScriptPlace, RemovedMessageIsSaidAgain) {
  const ScriptAgent agent = agent_with({after({}), after({say("a"), say("b")})});
  EXPECT_EQ(place(agent, {user("go"), of_turn(1, assistant()), of_turn(1, user("a"))}),
            (ScriptPlace{2, 1}));
  EXPECT_EQ(place(agent, {user("go"), of_turn(1, assistant())}), (ScriptPlace{2, 0}));
}

TEST(ScriptPlace, MessageWithoutTurnAtTheEndTakesNoEditsPlace) {
  const ScriptAgent agent = agent_with({after({}), after({say("a")})});
  EXPECT_EQ(place(agent, {user("go"), of_turn(1, assistant()), user("mine")}), (ScriptPlace{2, 0}));
  EXPECT_EQ(
      place(agent, {user("go"), of_turn(1, assistant()), of_turn(1, user("a")), user("mine")}),
      (ScriptPlace{2, 1}));
}

TEST(ScriptPlace, RewrittenSummaryIsNotCompactedAgain) {
  const ScriptAgent agent =
      agent_with({after({}), after({say("compact!"), compact(1, {user("sum")}), say("on")})});
  EXPECT_EQ(place(agent, {user("go"), of_turn(1, user("other"))}), (ScriptPlace{2, 2}));
  EXPECT_EQ(place(agent, {user("go"), of_turn(1, user("other")), of_turn(1, user("on!"))}),
            (ScriptPlace{2, 3}));
}

TEST(ScriptPlace, RewrittenMessageBeforeACompactionIsStillCompacted) {
  const ScriptAgent agent =
      agent_with({after({}), after({say("compact!"), compact(1, {user("sum")})})});
  EXPECT_EQ(place(agent, {user("go"), of_turn(1, assistant()), of_turn(1, user("other"))}),
            (ScriptPlace{2, 1}));
}

TEST(ScriptPlace, MoreMessagesByHandThanEditsAreNoHarm) {
  const ScriptAgent agent = agent_with({after({}), after({say("a")})});
  EXPECT_EQ(place(agent, {of_turn(1, assistant()), of_turn(1, user("x")), of_turn(1, user("y"))}),
            (ScriptPlace{2, 1}));
  EXPECT_EQ(place(agent, {of_turn(1, user("x")), of_turn(1, user("y"))}), (ScriptPlace{2, 1}));
}

// Plays scripts as a runtime does, and asks at each step what a restored context would do.
class Player {
 public:
  explicit Player(ScriptAgent agent) : agent_(std::move(agent)), context_(agent_.messages) {}

  void play(std::size_t turns) {
    for (std::size_t i = 0; i < turns; ++i) {
      const ScriptPlace now = place(agent_, context_);
      if (now.next_turn == 0) return;
      take_turn(now.next_turn);
    }
  }

 private:
  static void apply(Messages& context, const ContextEdit& edit, std::uint64_t turn) {
    if (edit.kind == Kind::kCompact && edit.keep < context.size())
      context.resize(static_cast<std::size_t>(edit.keep));
    for (const Message& message : edit.messages) context.push_back(of_turn(turn, message));
  }

  void take_turn(std::uint64_t turn) {
    const std::vector<ContextEdit>& before = agent_.turns[turn - 1].before;
    std::vector<Messages> states = {context_};
    for (const ContextEdit& edit : before) {
      apply(context_, edit, played_);
      states.push_back(context_);
    }
    for (std::size_t done = 0; done < states.size(); ++done) expect_same_end(states, done, turn);
    played_ = turn;
    const std::string number = std::to_string(++answers_);
    context_.push_back(of_turn(turn, assistant("answer " + number)));
    for (std::size_t i = 0; i < answers_ % 3; ++i) context_.push_back(tool("result " + number));
  }

  // From every state on, the edits that are left lead to where all of them lead.
  void expect_same_end(const std::vector<Messages>& states, std::size_t done, std::uint64_t turn) {
    const ScriptPlace found = place(agent_, states[done]);
    ASSERT_EQ(found.next_turn, turn);
    const std::vector<ContextEdit>& before = agent_.turns[turn - 1].before;
    Messages end = states[done];
    for (std::size_t i = found.edits_done; i < before.size(); ++i) apply(end, before[i], played_);
    EXPECT_EQ(end, states.back()) << "after " << done << " edits of turn " << turn << ", found "
                                  << ::testing::PrintToString(found);
  }

  ScriptAgent agent_;
  Messages context_;
  std::uint64_t played_ = 0;
  std::size_t answers_ = 0;
};

enum class Words { kFew, kUnique };

// Agents with many edits. With few words messages are often alike; then there are no loops, and
// each turn has one compaction at the most: else two moments could leave one context, which nothing
// tells apart.
class RandomAgents {
 public:
  RandomAgents(unsigned seed, Words words) : random_(seed), words_(words) {}

  ScriptAgent agent() {
    ScriptAgent out;
    for (std::size_t i = 1 + below(3); i > 0; --i)
      out.messages.push_back(below(3) == 0 ? assistant(word()) : user(word()));
    const std::size_t turns = 1 + below(4);
    for (std::size_t i = 0; i < turns; ++i) {
      std::vector<ContextEdit> edits;
      compacted_ = false;
      for (std::size_t j = below(5); j > 0; --j) edits.push_back(edit(i == 0));
      out.turns.push_back(after(std::move(edits), next(turns)));
    }
    return out;
  }

 private:
  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }
  std::uint64_t next(std::size_t turns) {
    return words_ == Words::kUnique && below(4) == 0 ? 1 + below(turns) : 0;
  }
  std::string word() {
    if (words_ == Words::kUnique) return std::to_string(++last_word_);
    return std::string(1, "abc"[below(3)]);
  }
  Message message(bool is_first) {
    const std::size_t kind = below(6);
    if (kind == 0 && !is_first) return assistant(word());
    return kind == 1 ? tool(word()) : user(word());
  }
  ContextEdit edit(bool is_first) {
    const std::size_t kind = below(6);
    if (kind == 0) return set_prompt();
    if (kind > 2 || (compacted_ && words_ == Words::kFew)) return append(message(is_first));
    compacted_ = true;
    Messages messages = {message(is_first)};
    if (below(2) == 0) messages.push_back(message(is_first));
    return compact(below(6), std::move(messages));
  }

  std::mt19937 random_;
  const Words words_;
  int last_word_ = 0;
  bool compacted_ = false;  // in the turn being made
};

TEST(ScriptPlace, RestoredAnywhereTheRestOfTheEditsFollows) {
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    Player(RandomAgents(seed, seed % 2 == 0 ? Words::kFew : Words::kUnique).agent()).play(8);
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace agdb
