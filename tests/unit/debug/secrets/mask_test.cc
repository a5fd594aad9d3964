#include "debug/secrets/mask.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/debug/secrets/made_up.h"
#include "tests/unit/source_tree.h"

namespace agdb {
namespace {

using made_up::alnum;
using made_up::hex;
using made_up::jwt;
using made_up::pem;

std::string masked(std::string_view text) {
  MaskCounts counts;
  const std::string once = mask_secrets(text, counts);
  MaskCounts again;
  EXPECT_EQ(mask_secrets(once, again), once) << "a second time changes it: " << text;
  EXPECT_EQ(again.total(), 0U);
  EXPECT_EQ(text_has_secrets(text), counts.total() > 0) << text;
  EXPECT_FALSE(text_has_secrets(once)) << once;
  return once;
}

void expect_kept(std::string_view text) {
  EXPECT_EQ(masked(text), text);
}

struct Key {
  std::string text;
  std::string kind;
};

// Put together here: see made_up.h.
std::vector<Key> vendor_keys() {
  const auto key = [](std::string_view prefix, const std::string& rest, std::string_view kind) {
    return Key{std::string(prefix) + rest, std::string(kind)};
  };
  return {
      key("sk-ant-", "api03-" + alnum(93) + "-" + alnum(6) + "AA", "anthropic_key"),
      key("sk-ant-", "oat01-" + alnum(60), "anthropic_key"),
      key("sk-proj-", alnum(70) + "_" + alnum(60) + "-" + alnum(20), "openai_key"),
      key("sk-", alnum(48), "openai_key"),
      key("sk-or-v1-", hex(64), "vendor_key"),
      key("AKIA", made_up::chars(16, made_up::kUpperDigits), "aws_key_id"),
      key("ASIA", made_up::chars(16, made_up::kUpperDigits), "aws_key_id"),
      key("ghp_", alnum(36), "github_token"),
      key("gho_", alnum(36), "github_token"),
      key("ghs_", alnum(36), "github_token"),
      key("github_pat_", alnum(22) + "_" + alnum(59), "github_token"),
      key("glpat-", alnum(20), "gitlab_token"),
      key("xoxb-", "123456789012-123456789012-" + alnum(24), "slack_token"),
      key("xoxp-", "123456789012-" + alnum(30), "slack_token"),
      key("AIza", alnum(35), "google_key"),
      key("ya29.", alnum(60), "google_key"),
      key("GOCSPX-", alnum(28), "google_key"),
      key("SG.", alnum(22) + "." + alnum(43), "sendgrid_key"),
      key("npm_", alnum(36), "npm_token"),
      key("pypi-AgE", alnum(150), "pypi_token"),
      key("sk_live_", alnum(24), "stripe_key"),
      key("rk_live_", alnum(24), "stripe_key"),
      key("whsec_", alnum(32), "stripe_key"),
      key("hf_", alnum(34), "hf_token"),
      key("gsk_", alnum(52), "vendor_key"),
      key("dop_v1_", hex(64), "vendor_key"),
      key("xai-", alnum(80), "vendor_key"),
      {jwt(), "jwt"},
  };
}

TEST(MaskText, NothingIsThereToMask) {
  expect_kept("");
  expect_kept("a");
  expect_kept("The quick brown fox: it jumps = 3 times, --over the-lazy-dog.");
}

TEST(MaskText, KeysOfVendorsGoWhereverTheyStand) {
  for (const Key& key : vendor_keys()) {
    const std::string mask = "[masked:" + key.kind + "]";
    EXPECT_EQ(masked(key.text), mask) << key.kind;
    EXPECT_EQ(masked("a " + key.text + " b"), "a " + mask + " b") << key.kind;
    EXPECT_EQ(masked("(" + key.text + ")."), "(" + mask + ").") << key.kind;
    EXPECT_EQ(masked("KEY='" + key.text + "'"), "KEY='" + mask + "'") << key.kind;
    EXPECT_EQ(masked("OPENAI_API_KEY=" + key.text + "\n"), "OPENAI_API_KEY=" + mask + "\n");
    EXPECT_EQ(masked("one\\n" + key.text + "\\ntwo"), "one\\n" + mask + "\\ntwo") << key.kind;
    EXPECT_EQ(masked("\x1b[32m" + key.text + "\x1b[0m"), "\x1b[32m" + mask + "\x1b[0m");
    EXPECT_EQ(masked("q=%22" + key.text), "q=%22" + mask) << key.kind;
    EXPECT_EQ(masked(key.text + " " + key.text), mask + " " + mask) << key.kind;
  }
}

TEST(MaskText, WhatOnlyBeginsLikeAKeyStays) {
  expect_kept("sk-fading-circle sk-cube-grid-animated-in-2024 sk-learn-some-long-name-of-2023-05");
  expect_kept("task-a1b2c3d4e5f6a1b2c3d4e5f6 risk-1a2b3c4d5e6f7a8b9c0d");
  expect_kept("npm_config_registry_url_for_this_project_2024 hf_hub_download ghp_short1");
  expect_kept("AKIA" + alnum(10));
  expect_kept("xAKIA" + made_up::chars(16, made_up::kUpperDigits));
  expect_kept("eyJust a word. and. another");
  expect_kept("eyJhbGciOi.short.x");
}

TEST(MaskText, ProtocolIdsStay) {
  const std::string id = alnum(24);
  for (const std::string prefix :
       {"toolu_01", "call_", "msg_01", "req_011", "chatcmpl-", "run_", "resp_"})
    expect_kept("{\"id\":\"" + prefix + id + "\",\"token\":\"" + prefix + id + "\"}");
  expect_kept("token: " + hex(40) + " sha " + hex(64));
  expect_kept("token=0f0a1b2c-1a2b-3c4d-5e6f-0123456789ab trace 4bf92f3577b34da6a3ce929d0e0e4736");
  expect_kept("commit " + hex(40) + " record 12-1763712345-2 span " + hex(16));
  expect_kept("max_tokens: 4096 next_page_token=" + alnum(30));
}

TEST(MaskText, PrivateKeysGoWhole) {
  for (const std::string label :
       {"RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK", "ENCRYPTED PRIVATE KEY"}) {
    for (const std::string end :
         {"\n", "\r\n", "\\n", "\\\\n", "\\r\\n", "\n    12\xE2\x86\x92", "\n> ", "\\n\" +\n  \""})
      EXPECT_EQ(masked("x " + pem(label, end) + " y"), "x [masked:private_key] y") << label << end;
    EXPECT_EQ(masked("x " + pem(label, "\n", false)).substr(0, 24), "x [masked:private_key]\n");
  }
  const std::string headers = "-----BEGIN RSA PRIVATE " + std::string("KEY-----\n") +
                              "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC," + hex(32) + "\n\n" +
                              alnum(64) + "\n" + alnum(20) + "\n-----END RSA PRIVATE KEY-----";
  EXPECT_EQ(masked(headers), "[masked:private_key]");
}

TEST(MaskText, PrivateKeyThatIsCutOffGoesAsFarAsItGoes) {
  std::string text = pem("PRIVATE KEY");
  for (const std::size_t size : {40UL, 60UL, 100UL, 200UL, 290UL}) {
    const std::string left = masked(text.substr(0, size));
    EXPECT_EQ(left, size == 40 ? text.substr(0, 40) : "[masked:private_key]") << size;
  }
  EXPECT_EQ(masked(text.substr(0, 92) + "\nand so on it went"),
            "[masked:private_key]\nand so on it went");
}

TEST(MaskText, PublicKeysAndMereTalkOfKeysStay) {
  expect_kept(pem("PUBLIC KEY"));
  expect_kept(pem("CERTIFICATE"));
  expect_kept(
      "It begins with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----.");
}

TEST(MaskText, CredentialsOfHeaders) {
  EXPECT_EQ(masked("Authorization: Bearer " + alnum(30)),
            "Authorization: Bearer [masked:authorization]");
  EXPECT_EQ(masked("authorization: basic dXNlcjpwYXNzd29yZA=="),
            "authorization: basic [masked:authorization]");
  EXPECT_EQ(masked("-H 'Authorization: Token " + hex(40) + "' x"),
            "-H 'Authorization: Token [masked:authorization]' x");
  EXPECT_EQ(masked("{\"Authorization\": \"Bearer " + alnum(30) + "\"}"),
            "{\"Authorization\": \"Bearer [masked:authorization]\"}");
  EXPECT_EQ(masked("{\\\"Authorization\\\":\\\"Bearer " + alnum(30) + "\\\"}"),
            "{\\\"Authorization\\\":\\\"Bearer [masked:authorization]\\\"}");
  EXPECT_EQ(masked("use bearer " + alnum(40)), "use bearer [masked:authorization]");
  EXPECT_EQ(masked("Bearer " + jwt()), "Bearer [masked:jwt]");
  EXPECT_EQ(masked("X-Api-Key: " + alnum(32)), "X-Api-Key: [masked:api_key]");
  expect_kept("Authorization: Bearer $TOKEN, or Bearer <token>, or Bearer {token}");
  expect_kept("bearer authentication-is-what-we-want of the bearer");
}

TEST(MaskText, AssignmentsWhoseNamesSaySo) {
  EXPECT_EQ(masked("password=hunter22"), "password=[masked:password]");
  EXPECT_EQ(masked("DB_PASSWORD: 'tr0ub4dor&3'"), "DB_PASSWORD: '[masked:password]'");
  EXPECT_EQ(masked("\"api_key\": \"" + alnum(32) + "\","), "\"api_key\": \"[masked:api_key]\",");
  EXPECT_EQ(masked("\\\"apiKey\\\":\\\"" + alnum(32) + "\\\""),
            "\\\"apiKey\\\":\\\"[masked:api_key]\\\"");
  EXPECT_EQ(masked("os.environ[\"SECRET_KEY\"] = \"" + alnum(40) + "\""),
            "os.environ[\"SECRET_KEY\"] = \"[masked:secret]\"");
  EXPECT_EQ(masked("client_secret=" + alnum(30) + "&x=1"), "client_secret=[masked:secret]&x=1");
  EXPECT_EQ(masked("<password>s3cr3tword</password>"), "<password>[masked:password]</password>");
  EXPECT_EQ(masked("tool --api-key " + alnum(24) + " run"), "tool --api-key [masked:api_key] run");
  EXPECT_EQ(masked("api_key: str = \"" + alnum(24) + "\""), "api_key: str = \"[masked:api_key]\"");
  EXPECT_EQ(masked("aws_secret_access_key = " + alnum(20) + "/" + alnum(19)),
            "aws_secret_access_key = [masked:aws_secret]");
  EXPECT_EQ(masked("\"\"token\"\": \"\"" + alnum(30) + "\"\""),
            "\"\"token\"\": \"\"[masked:token]\"\"");
  EXPECT_EQ(masked("SECRET=" + hex(64)), "SECRET=[masked:secret]");
}

TEST(MaskText, AssignmentsOfWhatIsNoSecretStay) {
  expect_kept("password: string; token?: string, apiKey: config.apiKey");
  expect_kept("password = getpass(\"Password: \") token=tokens[12] secret=load_secret_v2(12)");
  expect_kept("password=$DB_PASSWORD token=${TOKEN1} key={{ secret_key_12 }} password=<password1>");
  expect_kept("password: 'Please type the password of 8 characters'");
  expect_kept("tokens: 123456 token: 12 the secret: nobody knows");
  expect_kept("api_key=YOUR_API_KEY secret=xxxxxxxxxxxxxxxx password=******");
}

TEST(MaskText, PasswordsOfUrls) {
  EXPECT_EQ(masked("postgres://app:pa55word@db.example.org:5432/x"),
            "postgres://app:[masked:url_password]@db.example.org:5432/x");
  EXPECT_EQ(masked("redis://:swordfish@localhost/0"), "redis://:[masked:url_password]@localhost/0");
  EXPECT_EQ(masked("https://u:p@ss@host/"), "https://u:[masked:url_password]@host/");
  expect_kept("http://localhost:8080/@scope/pkg http://[::1]:80/a@b ssh://git@github.com:22/x");
  expect_kept("postgres://${USER}:${PASS}@db/x https://user@host/a:b");
}

TEST(MaskText, AnyBytes) {
  std::string all;
  for (int i = 0; i < 65536; ++i) {
    all += static_cast<char>(i >> 8);
    all += static_cast<char>(i);
  }
  expect_kept(all);
  EXPECT_EQ(masked("\xFF\xFE" + vendor_keys()[0].text + "\xC3"),
            "\xFF\xFE[masked:anthropic_key]\xC3");
}

TEST(MaskText, CountsByKind) {
  MaskCounts counts;
  mask_secrets("ghp_" + alnum(36) + " ghp_" + alnum(36) + " password=hunter22", counts);
  EXPECT_EQ(counts.text(), "github_token=2, password=1");
  EXPECT_EQ(counts.total(), 3U);
  EXPECT_EQ(counts.of(SecretKind::kGithubToken), 2U);
  MaskCounts sum = counts;
  sum.add(counts);
  EXPECT_EQ(sum.total(), 6U);
  EXPECT_EQ(MaskCounts{}.text(), "");
}

// Each of these would take hours if anything in it were looked at again and again.
TEST(MaskText, Malicious_RepeatedBeginnings) {
  for (const std::string piece : {"sk-",
                                  "sk-ant-",
                                  "sk-a1b2",
                                  "eyJ.",
                                  "eyJaaaaaaaa.",
                                  "-----BEGIN PRIVATE KEY-----",
                                  "-----BEGIN PRIVATE KEY-----\n",
                                  "-----BEGIN RSA PRIVATE KEY-----\nA: b\n",
                                  "token=",
                                  "token:",
                                  "\"token\":\"",
                                  "password='",
                                  "://",
                                  "://a:",
                                  "://a:b@",
                                  "Bearer ",
                                  "bearer=",
                                  "--token ",
                                  "Authorization: ",
                                  "\\n",
                                  "\\",
                                  "\"",
                                  "\x1b[0;m",
                                  "[masked:",
                                  "ghp_",
                                  "\\u00",
                                  "<token>"}) {
    std::string text;
    while (text.size() < 1'000'000) text += piece;
    MaskCounts counts;
    const std::string once = mask_secrets(text, counts);
    MaskCounts again;
    EXPECT_EQ(mask_secrets(once, again), once) << piece;
    mask_json_text(text, counts);
  }
  std::string unterminated = "-----BEGIN PRIVATE " + std::string("KEY-----\n");
  while (unterminated.size() < 1'000'000) unterminated += alnum(64) + "\n";
  EXPECT_EQ(masked(unterminated), "[masked:private_key]\n");
}

std::string masked_json(std::string_view text) {
  MaskCounts counts;
  const std::string once = mask_json_text(text, counts);
  EXPECT_EQ(mask_json_text(once, counts), once);
  return once;
}

TEST(MaskJsonText, OnlyStringsThatHoldASecretChange) {
  const std::string key = "ghp_" + alnum(36);
  EXPECT_EQ(masked_json(R"({ "a" : 1.50, "b\u0041": [ "x\/y" , null ] })"),
            R"({ "a" : 1.50, "b\u0041": [ "x\/y" , null ] })");
  EXPECT_EQ(masked_json("{\"a\": \"t\\u0041 " + key + "\\n\", \"b\\/\": 1e5}"),
            "{\"a\": \"tA [masked:github_token]\\n\", \"b\\/\": 1e5}");
  EXPECT_EQ(masked_json("{\"" + key + "\": true}"), "{\"[masked:github_token]\": true}");
  EXPECT_EQ(masked_json("{\"a\":\"\\u0067hp_" + alnum(36) + "\"}"),
            "{\"a\":\"[masked:github_token]\"}");
}

TEST(MaskJsonText, NamesTellWhatTheirValueIs) {
  EXPECT_EQ(masked_json("{\"api_key\" : \"" + alnum(32) + "\"}"),
            "{\"api_key\" : \"[masked:api_key]\"}");
  EXPECT_EQ(masked_json("{\"Authorization\":\"Basic\",\"password\":\"a\\\"bc1234\"}"),
            "{\"Authorization\":\"Basic\",\"password\":\"[masked:password]\"}");
  EXPECT_EQ(
      masked_json("{\"password\":[\"abc12345\"],\"x\":\"token\",\"y\":\"" + alnum(32) + "\"}"),
      "{\"password\":[\"abc12345\"],\"x\":\"token\",\"y\":\"" + alnum(32) + "\"}");
  EXPECT_EQ(masked_json(R"({"arguments":"{\"api_key\": \")" + alnum(32) + R"(\"}"})"),
            R"({"arguments":"{\"api_key\": \"[masked:api_key]\"}"})");
}

TEST(MaskJsonText, ImagesAndSignaturesStay) {
  const std::string bytes =
      "/AKIA" + made_up::chars(16, made_up::kUpperDigits) + "+" + alnum(300) + "==";
  const std::string key = "-sk-" + alnum(300);
  for (const std::string& text :
       {"{\"type\":\"thinking\",\"signature\":\"" + bytes + "\"}",
        "{\"source\":{\"type\":\"base64\",\"data\":\"" + bytes + "\"}}",
        "{\"signature\":\"" + key + "\"}", "{\"url\":\"data:image/png;base64," + bytes + "\"}"})
    EXPECT_EQ(masked_json(text), text);
}

TEST(MaskJsonText, AKeyThatAToolReturnedIsNoImage) {
  const std::string key = "ghp_" + alnum(36);
  EXPECT_EQ(masked_json("{\"bytes\":40,\"data\":\"" + key + "\"}"),
            "{\"bytes\":40,\"data\":\"[masked:github_token]\"}");
  const std::string image = "{\"data\":\"" + alnum(300) + "/" + key + "\"}";
  EXPECT_EQ(masked_json(image), image);
}

TEST(MaskJsonText, SeveralDocumentsAndPiecesOfOne) {
  const std::string key = "ghp_" + alnum(36);
  EXPECT_EQ(masked_json("{\"a\":\"" + key + "\"}\n{\"b\":2}\n"),
            "{\"a\":\"[masked:github_token]\"}\n{\"b\":2}\n");
  EXPECT_EQ(masked_json("{\"a\":\"x " + key), "{\"a\":\"x [masked:github_token]");
  EXPECT_EQ(masked_json("\""), "\"");
  EXPECT_EQ(masked_json("\"\\"), "\"\\");
  EXPECT_EQ(masked_json("{\"a\":\"\\q " + key + "\"}").substr(0, 10), "{\"a\":\"\\\\q ");
}

TEST(MaskJson, ValuesAndText) {
  const std::string text = "{\"token\":\"" + alnum(30) + "\",\"list\":[\"ghp_" + alnum(36) +
                           "\",{\"signature\":\"" + alnum(40) + "\"}],\"n\":1}";
  Json value = *parse_json(text);
  MaskCounts counts;
  mask_secrets(value, counts);
  EXPECT_EQ(dump(value, {.sorted = false}), masked_json(text));
  EXPECT_EQ(counts.text(), "github_token=1, token=1");
}

TEST(MaskJson, WhetherItHasSecretsIsTheSameAsWhetherMaskingChangesIt) {
  const std::string key = "ghp_" + alnum(36);
  for (const std::string& text :
       {std::string("null"), std::string("[]"), std::string("{\"a\":[1,{\"b\":\"plain\"}]}"),
        "\"" + key + "\"", "{\"" + key + "\":1}", "{\"a\":[[],{\"b\":\"x " + key + "\"}]}",
        "{\"token\":\"" + alnum(30) + "\"}", "{\"signature\":\"" + alnum(40) + "\"}",
        "{\"_data_\":\"" + alnum(2000) + "\"}",
        "{\"Thought-Signature\":\"" + key + alnum(9) + "+\"}"}) {
    Json value = *parse_json(text);
    const Json before = value;
    MaskCounts counts;
    mask_secrets(value, counts);
    EXPECT_EQ(json_has_secrets(before), value != before) << text;
    EXPECT_FALSE(json_has_secrets(value)) << text;
  }
}

// Recordings, session logs and scripts of others: full of ids, signatures and hashes, with no
// secret.
TEST(MaskJsonText, NothingInTheGivenSessionsIsASecret) {
  std::size_t files = 0;
  for (const std::filesystem::directory_entry& entry :
       std::filesystem::recursive_directory_iterator(fixture_path(""))) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    MaskCounts counts;
    EXPECT_EQ(mask_json_text(text, counts), text) << entry.path();
    EXPECT_EQ(mask_secrets(text, counts), text) << entry.path();
    EXPECT_EQ(counts.text(), "") << entry.path();
    ++files;
  }
  EXPECT_GT(files, 30U);
}

}  // namespace
}  // namespace agdb
