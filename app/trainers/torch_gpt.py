#!/usr/bin/env python3
"""Trains one run of `einsearch sweep --task text|tokens --data DIR --trainer "python3 torch_gpt.py"`.

A GPT-2 in PyTorch, on a GPU if there is one, whose linear layers come from `einsearch inspect --as
torch`. Reads the run from the JSON file that is its one argument, prints a row per recorded step. Goes
on from its last checkpoint in EINSEARCH_RUN_DIR when it is started again. The numbers are not those of
einsearch's own trainer to the bit: draws and the order of sums are PyTorch's.
"""
import json
import math
import os
import subprocess
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def structured_class(run, layer):
    """The class of `inspect --as torch` for this layer, or None where it is dense."""
    if layer["is_dense"]:
        return None
    code = subprocess.run(
        [run["program"], "inspect", run["structure"], "--d-in", str(layer["d_in"]), "--d-out", str(layer["d_out"]),
         "--rounding", run["rounding"], "--order", run["order_rule"], "--as", "torch"],
        check=True, capture_output=True, text=True).stdout
    names = {"__name__": layer["name"]}
    exec(code, names)  # pylint: disable=exec-used
    return names["StructuredLinear"]


def make_linear(run, name):
    """A linear layer with the initial values and learning rates that the run prescribes."""
    layer = next(layer for layer in run["layers"] if layer["name"] == name)
    make = structured_class(run, layer)
    if make is None:
        linear = nn.Linear(layer["d_in"], layer["d_out"], bias=False)
        weights = [(linear.weight, layer["weight"])]
    else:
        linear = make(bias=False)
        weights = list(zip(linear.factors, (layer["A"], layer["B"])))
    for tensor, rule in weights:
        nn.init.normal_(tensor, std=rule["init_std"])
        tensor.lr_multiplier = rule["lr_multiplier_adam"]
    return linear


class Block(nn.Module):
    """Pre-norm attention and feed-forward; queries and keys are normalised per head."""

    def __init__(self, run, index):
        super().__init__()
        width = run["width"]
        self.heads, self.scale = run["heads"], math.sqrt(3 / max(run["depth"], 1))
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_norm, self.key_norm = (nn.LayerNorm(width // self.heads) for _ in range(2))
        for part in ("query", "key", "value", "output", "up", "down"):
            setattr(self, part, make_linear(run, f"blocks.{index}.{part}"))

    def forward(self, x):
        batch, tokens, width = x.shape
        size = width // self.heads
        normed = self.attention_norm(x)
        query, key, value = (part(normed).view(batch, tokens, self.heads, size).transpose(1, 2)
                             for part in (self.query, self.key, self.value))
        scores = self.query_norm(query) @ self.key_norm(key).transpose(2, 3) * (8 / size)
        future = torch.ones(tokens, tokens, dtype=torch.bool, device=x.device).triu(1)
        mixed = scores.masked_fill(future, -math.inf).softmax(-1) @ value
        x = x + self.scale * self.output(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return x + self.scale * self.down(F.gelu(self.up(self.feed_forward_norm(x))))


class Gpt(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.embedding = nn.Embedding(run["vocabulary"], run["width"])
        self.positions = nn.Embedding(run["inputs"], run["width"])
        for table in (self.embedding, self.positions):
            nn.init.normal_(table.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(run, i) for i in range(run["depth"]))
        self.norm = nn.LayerNorm(run["width"])
        self.head = make_linear(run, "head")

    def forward(self, tokens):
        x = self.embedding(tokens) + self.positions.weight[:tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def rate_share(run, step):
    """The schedules of einsearch: constant, linear, cosine, wsd, after a linear warm-up."""
    if step < run["warmup"]:
        return (step + 1) / run["warmup"]
    done = max(0, step - run["decay_start"]) / max(1, run["schedule_steps"] - run["decay_start"])
    if run["schedule"] == "constant":
        return 1
    return (1 + math.cos(math.pi * done)) / 2 if run["schedule"] == "cosine" else 1 - done


def stream(run, name):
    """Tokens of train.bin or val.bin: one byte each, or two."""
    kind = np.uint8 if run["vocabulary"] <= 256 else np.uint16
    return np.memmap(os.path.join(run["data"], name), dtype=kind, mode="r")


def windows(tokens, starts, run, device):
    both = torch.tensor(np.stack([tokens[s:s + run["inputs"] + 1] for s in starts]).astype(np.int64), device=device)
    return both[:, :-1], both[:, 1:]


def loss_of(model, inputs, targets):
    return F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())


@torch.no_grad()
def held_out_loss(model, run, tokens, device):
    starts = np.arange(0, len(tokens) - run["inputs"] - 1, run["inputs"])[:run["held_out"]]
    parts = [starts[i:i + run["batch"]] for i in range(0, len(starts), run["batch"])]
    return sum(float(loss_of(model, *windows(tokens, part, run, device))) * len(part) for part in parts) / len(starts)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        run = json.load(file)
    if not run["data"] or run["task"] not in ("text", "tokens"):
        sys.exit("torch_gpt.py needs --task text or tokens and --data DIR")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(run["seed_init"])
    model = Gpt(run).to(device)
    groups = [{"params": [p], "multiplier": getattr(p, "lr_multiplier", 1)} for p in model.parameters()]
    optimizer = torch.optim.AdamW(groups, lr=run["lr"], betas=(run["beta1"], run["beta2"]), eps=run["epsilon"],
                                  weight_decay=run["weight_decay"])
    training, held_out = stream(run, "train.bin"), stream(run, "val.bin")
    saved = os.path.join(os.environ["EINSEARCH_RUN_DIR"], "checkpoint.pt")
    step, rows, spent = 0, [], 0.0
    if os.path.exists(saved):
        state = torch.load(saved, map_location=device)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step, rows, spent = state["step"], state["rows"], state["spent"]

    print("step,examples,train_flops,loss,train_loss,lr,time_s")
    for row in rows:
        print(row)
    for target in [s for s in run["recorded_steps"] if s > step or not rows]:
        begin, losses, rate = time.time(), [], 0
        while step < target:
            rate = run["lr"] * rate_share(run, step)
            for group in optimizer.param_groups:
                group["lr"] = rate * group["multiplier"]
            draws = np.random.default_rng([run["seed_data"], step])  # of the step alone, so that resuming repeats them
            starts = draws.integers(0, len(training) - run["inputs"], run["batch"])
            loss = loss_of(model, *windows(training, starts, run, device))
            optimizer.zero_grad()
            loss.backward()
            if run["clip"] > 0:
                nn.utils.clip_grad_norm_(model.parameters(), run["clip"])
            optimizer.step()
            losses.append(float(loss.detach()))
            step += 1
        spent += time.time() - begin
        flops = run["train_flops"] * step / run["steps"]
        mean = sum(losses) / len(losses) if losses else ""
        rows.append(f"{step},{step * run['batch']},{flops},{held_out_loss(model, run, held_out, device)},{mean},"
                    f"{rate},{spent:.3f}")
        print(rows[-1], flush=True)
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "rows": rows,
                    "spent": spent}, saved + ".tmp")
        os.replace(saved + ".tmp", saved)


if __name__ == "__main__":
    main()
