#include "io/token_data.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/error.h"
#include "io/mapped_file.h"

namespace einsearch {
namespace {

constexpr const char* kHint = "einsearch data text IN... -o DIR makes such a folder";

/// What meta.json says of the streams beside it.
struct Meta {
  std::string format;
  std::optional<TokenType> type;
};

std::optional<Meta> read_meta(const std::string& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const MappedFile file(path);
  const auto json = nlohmann::json::parse(file.bytes().begin(), file.bytes().end(), nullptr, false);
  if (!json.is_object()) throw Error("cannot read", {.where = path, .got = "no JSON object"});
  const auto text = [&json](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  Meta meta;
  meta.format = text("format");
  const std::string type = text("dtype");
  if (type == "uint8") meta.type = TokenType::uint8;
  if (type == "uint16") meta.type = TokenType::uint16;
  if (!type.empty() && !meta.type)
    throw Error("unknown dtype", {.where = path, .expected = "uint8 or uint16", .got = type});
  return meta;
}

TokenStream open_stream(const std::string& path, TokenType type) {
  if (!std::filesystem::exists(path))
    throw Error("no token stream", {.where = path, .got = "no such file", .hint = kHint});
  const MappedFile file(path);
  const Count size = static_cast<Count>(file.bytes().size()), token = bytes_of(type);
  if (size == 0) throw Error("an empty token stream", {.where = path});
  if (size % token != 0) {
    throw Error("a torn token stream",
                {.where = path,
                 .expected = "two bytes per token",
                 .got = fmt::format("{} bytes", size),
                 .hint = "or is it one byte per token, uint8?"});
  }
  return TokenStream(file.owner(), file.bytes(), type);
}

TokenData open_streams(const std::string& folder, Index vocabulary, TokenType type) {
  if (!std::filesystem::is_directory(folder)) {
    throw Error("no data",
                {.where = folder,
                 .expected = "a folder with train.bin and val.bin",
                 .got = std::filesystem::exists(folder) ? "a file" : "nothing",
                 .hint = kHint});
  }
  const std::string training = folder + "/train.bin", held_out = folder + "/val.bin";
  TokenData data{.training = open_stream(training, type),
                 .held_out = open_stream(held_out, type),
                 .vocabulary = vocabulary,
                 .digest = ""};
  validate_tokens(data.training, vocabulary, training);
  validate_tokens(data.held_out, vocabulary, held_out);
  std::string digests;
  for (const std::string& path : {training, held_out}) {
    ContentDigest contents;
    contents.update(MappedFile(path).bytes());
    digests += contents.text();
  }
  data.digest = digest(digests);
  return data;
}

}  // namespace

TokenData open_text_data(const std::string& folder) {
  const std::string path = folder + "/meta.json";
  const std::optional<Meta> meta = read_meta(path);
  if (meta && meta->format != "einsearch text") {
    throw Error("not a prepared text",
                {.where = path,
                 .expected = "\"format\": \"einsearch text\"",
                 .got = meta->format.empty() ? "no format" : meta->format,
                 .hint = "other streams: --task tokens --vocab V"});
  }
  if (!meta && std::filesystem::exists(folder + "/train.bin")) {
    throw Error("not a prepared text",
                {.where = folder,
                 .expected = "meta.json",
                 .got = "none",
                 .hint = "other streams: --task tokens --vocab V"});
  }
  return open_streams(folder, kTextVocabulary, TokenType::uint8);
}

TokenData open_token_data(const std::string& folder,
                          Index vocabulary,
                          std::optional<TokenType> type) {
  const std::optional<Meta> meta = read_meta(folder + "/meta.json");
  if (!type && meta) type = meta->type;
  return open_streams(folder, vocabulary, type.value_or(TokenType::uint16));
}

}  // namespace einsearch
