#include "task_arguments.h"

#include <fmt/format.h>

#include <algorithm>

#include "arguments.h"
#include "base/error.h"
#include "io/example_files.h"
#include "io/image_files.h"
#include "io/token_data.h"

namespace einsearch {
namespace {

TaskSpec regression_spec(const TaskArguments& arguments, const TaskSeeds& seeds) {
  if (arguments.data.empty()) {
    return RegressionOptions{
        .inputs = arguments.inputs,
        .target_width = arguments.target_width,
        .target_depth = arguments.target_depth,
        .seed_task = seeds.task,
        .seed_data = seeds.data,
        .target = arguments.target == "sine" ? RegressionTarget::sine : RegressionTarget::relu};
  }
  const ExampleTable table = read_examples(arguments.data);
  if (table.count < 4) {
    throw Error("too few examples",
                {.where = arguments.data,
                 .expected = "at least 4 rows",
                 .got = fmt::format("{}", table.count)});
  }
  // A tenth of a table is held out, but no more than asked for.
  const Count held_out = std::clamp<Count>(table.count / 10, 2, held_out_examples(arguments));
  return ExampleSetOptions{.data = std::make_shared<const ExampleSet>(
                               split_and_standardise(table, held_out, seeds.task)),
                           .seed_data = seeds.data,
                           .seed_task = seeds.task};
}

TaskSpec text_spec(const TaskArguments& arguments, const TaskSeeds& seeds) {
  if (arguments.data.empty()) {
    return MarkovOptions{.window = arguments.window,
                         .order = arguments.source_order,
                         .seed_task = seeds.task,
                         .seed_data = seeds.data};
  }
  return TokenTaskOptions{.name = "text",
                          .data = open_text_data(arguments.data),
                          .window = arguments.window,
                          .seed_data = seeds.data,
                          .seed_task = seeds.task};
}

TaskSpec tokens_spec(const TaskArguments& arguments, const TaskSeeds& seeds) {
  if (arguments.data.empty())
    throw Error("--task tokens needs --data DIR", {.expected = "a folder with train.bin, val.bin"});
  if (arguments.vocabulary == 0)
    throw Error("--task tokens needs --vocab V", {.expected = "the number of different tokens"});
  std::optional<TokenType> type;
  if (arguments.token_type == "uint8") type = TokenType::uint8;
  if (arguments.token_type == "uint16") type = TokenType::uint16;
  return TokenTaskOptions{.name = "tokens",
                          .data = open_token_data(arguments.data, arguments.vocabulary, type),
                          .window = arguments.window,
                          .seed_data = seeds.data,
                          .seed_task = seeds.task};
}

TaskSpec pixels_spec(const TaskArguments& arguments, const TaskSeeds& seeds) {
  if (arguments.data.empty()) {
    return ImageModelOptions{.side = arguments.resolution,
                             .channels = arguments.is_gray ? 1 : 3,
                             .seed_task = seeds.task,
                             .seed_data = seeds.data};
  }
  const ImageOptions options{
      .side = arguments.resolution, .is_gray = arguments.is_gray, .seed_task = seeds.task};
  return PixelTaskOptions{
      .data = std::make_shared<const PixelData>(open_images(arguments.data, options)),
      .seed_data = seeds.data,
      .seed_task = seeds.task};
}

}  // namespace

void add_task_options(CLI::App& command, TaskArguments& arguments) {
  constexpr Range<Count> kSize{1, 1 << 20};
  const auto choice = [&](const char* name, std::string& value, const char* text, auto names) {
    return command.add_option(name, value, text)->check(CLI::IsMember(names));
  };
  using Names = std::vector<std::string>;
  const auto of = [&](const char* tasks, CLI::Option* option, bool is_of_source = false) {
    arguments.scoped.push_back({option->group("Task"), tasks, is_of_source});
  };
  choice("--task",
         arguments.task,
         "regression (default), text (next character), tokens (next token), pixels (next pixel)",
         Names{"regression", "text", "tokens", "pixels"})
      ->group("Task");
  command
      .add_option("--data",
                  arguments.data,
                  "regression: x.npy,y.npy or a CSV; text, tokens: a folder with train.bin and "
                  "val.bin; pixels: a folder or file of images (default: a synthetic source)")
      ->type_name("PATH")
      ->group("Task");
  add_count(command,
            "--held-out",
            arguments.held_out,
            fmt::format("held-out examples ({} numbers, {} sequences)",
                        TaskArguments::kHeldOutExamples,
                        TaskArguments::kHeldOutSequences),
            {2, 1 << 26})
      ->group("Task");
  of("regression",
     add_count(command, "--inputs", arguments.inputs, "regression: input features (8)", kSize),
     true);
  of("regression",
     choice("--target",
            arguments.target,
            "regression: activation of the target network, relu (default) or sine",
            Names{"relu", "sine"}),
     true);
  of("regression",
     add_count(command,
               "--target-width",
               arguments.target_width,
               "hidden features of the target network (1024)",
               kSize),
     true);
  of("regression",
     add_count(command,
               "--target-depth",
               arguments.target_depth,
               "hidden layers of the target network (6)",
               {1, 1000}),
     true);
  of("text tokens",
     add_count(command,
               "--window",
               arguments.window,
               "text, tokens: tokens per example (128)",
               {1, 1 << 16}));
  of("tokens",
     add_count(command,
               "--vocab",
               arguments.vocabulary,
               "tokens: number of different tokens",
               {2, 1 << 16}));
  of("tokens",
     choice("--token-type",
            arguments.token_type,
            "tokens: uint8 or uint16 (default: what meta.json says, else uint16)",
            Names{"uint8", "uint16"}));
  of("text",
     add_count(command,
               "--source-order",
               arguments.source_order,
               "text without --data: order of the Markov source, 1 or 2 (2)",
               {1, 2}),
     true);
  of("pixels",
     add_count(command,
               "--resolution",
               arguments.resolution,
               "pixels: images are reduced to N x N (8)",
               {1, 64}));
  of("pixels",
     command.add_flag("--gray", arguments.is_gray, "pixels: one channel instead of three"));
}

Count held_out_examples(const TaskArguments& arguments) {
  if (arguments.held_out > 0) return arguments.held_out;
  return arguments.task == "regression" ? TaskArguments::kHeldOutExamples
                                        : TaskArguments::kHeldOutSequences;
}

TaskSpec task_spec(const TaskArguments& arguments, const TaskSeeds& seeds) {
  for (const TaskArguments::Scoped& scoped : arguments.scoped) {
    if (scoped.option->count() == 0) continue;
    const bool is_meant = scoped.tasks.find(arguments.task) != std::string::npos;
    if (is_meant && !(scoped.is_of_source && !arguments.data.empty())) continue;
    throw Error(scoped.option->get_name() + " has no effect",
                {.where = "--task " + arguments.task + (is_meant ? " with --data" : "")});
  }
  if (arguments.task == "text") return text_spec(arguments, seeds);
  if (arguments.task == "tokens") return tokens_spec(arguments, seeds);
  if (arguments.task == "pixels") return pixels_spec(arguments, seeds);
  return regression_spec(arguments, seeds);
}

}  // namespace einsearch
