#include "debug/replay/recorded_subjects.h"

#include <gtest/gtest.h>

namespace agdb {
namespace {

RecordedEvent event(std::string type, RecordedEvent::Payload payload = {}) {
  RecordedEvent recorded;
  recorded.pid = Pid{7};
  recorded.type = std::move(type);
  recorded.payload = std::move(payload);
  return recorded;
}

Syscall call_of(std::string name, Json args = {}, Json result = {}) {
  Syscall call;
  call.name = std::move(name);
  call.args = std::move(args);
  call.result = std::move(result);
  return call;
}

ContextSnapshot snapshot(ContextSnapshot::Kind kind, std::uint64_t keep, std::size_t messages) {
  ContextSnapshot result;
  result.kind = kind;
  result.ctx_id = CtxId{1};
  result.keep = keep;
  result.messages.resize(messages);
  return result;
}

TEST(RecordedSubjects, PassOnExactlyThePayloadThatTheTypeNames) {
  RecordedSubjects subjects;
  const RecordedEvent call = event("syscall", call_of("Open"));
  const FilterSubject subject = subjects.subject(call);
  EXPECT_EQ(subject.pid, Pid{7});
  EXPECT_EQ(subject.type, "syscall");
  ASSERT_NE(subject.syscall, nullptr);
  EXPECT_EQ(subject.syscall->name, "Open");
  EXPECT_EQ(subject.llm, nullptr);
  EXPECT_EQ(subject.context, nullptr);

  const RecordedEvent alert = event("alert", Alert{.kind = "budget", .level = "warning"});
  EXPECT_EQ(subjects.subject(alert).alert->kind, "budget");
  EXPECT_EQ(subjects.subject(alert).syscall, nullptr);
}

TEST(RecordedSubjects, OfEventsWithoutPayloadHaveATypeAlone) {
  RecordedSubjects subjects;
  const RecordedEvent odd = event("hologram");
  const FilterSubject subject = subjects.subject(odd);
  EXPECT_EQ(subject.type, "hologram");
  EXPECT_EQ(subject.syscall, nullptr);
  EXPECT_EQ(subject.gap, nullptr);
}

TEST(RecordedSubjects, FollowDescriptors) {
  RecordedSubjects subjects;
  const RecordedEvent open =
      event("syscall", call_of("Open", Json::object({{"path", "/dev/tool/ls"}}), 3));
  const RecordedEvent read = event("syscall", call_of("Read", Json::object({{"fd", 3}})));
  EXPECT_EQ(subjects.subject(open).path, "/dev/tool/ls");
  EXPECT_EQ(subjects.subject(read).path, "/dev/tool/ls");
}

TEST(RecordedSubjects, CountTheMessagesOfAContext) {
  RecordedSubjects subjects;
  const RecordedEvent full =
      event("context_snapshot", snapshot(ContextSnapshot::Kind::kFull, 0, 2));
  const ContextView* first = subjects.subject(full).context;
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->message_count, 2u);
  EXPECT_EQ(first->kept, 0u);
  EXPECT_EQ(first->previous_count, std::nullopt);
  EXPECT_EQ(first->added.size(), 2u);

  const RecordedEvent delta =
      event("context_snapshot", snapshot(ContextSnapshot::Kind::kDelta, 1, 3));
  const ContextView* second = subjects.subject(delta).context;
  EXPECT_EQ(second->message_count, 4u);
  EXPECT_EQ(second->kept, 1u);
  EXPECT_EQ(second->previous_count, 2u);
  EXPECT_EQ(second->added.size(), 3u);

  // A later full snapshot does not tell how much of the one before it keeps.
  EXPECT_EQ(subjects.subject(full).context->kept, std::nullopt);
}

TEST(RecordedSubjects, ShowAPromptWhereTheSnapshotHasOne) {
  RecordedSubjects subjects;
  RecordedEvent full = event("context_snapshot");
  ContextSnapshot context = snapshot(ContextSnapshot::Kind::kFull, 0, 0);
  context.system_prompt = "be brief";
  full.payload = context;
  EXPECT_EQ(*subjects.subject(full).context->system_prompt, "be brief");
  const RecordedEvent delta =
      event("context_snapshot", snapshot(ContextSnapshot::Kind::kDelta, 0, 0));
  EXPECT_EQ(subjects.subject(delta).context->system_prompt, nullptr);
}

TEST(RecordedSubjects, DoNotWrapRoundWhenASnapshotClaimsTooMuch) {
  RecordedSubjects subjects;
  const RecordedEvent delta =
      event("context_snapshot", snapshot(ContextSnapshot::Kind::kDelta, UINT64_MAX, 1));
  EXPECT_EQ(subjects.subject(delta).context->message_count, UINT64_MAX);
}

}  // namespace
}  // namespace agdb
