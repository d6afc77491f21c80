#!/usr/bin/env python3
"""A trainer whose best learning rate is known: 1e-3, but an eighth of it for monarch."""
import hashlib
import json
import math
import sys

run = json.load(open(sys.argv[1], encoding="utf-8"))
best = 1e-3 if run["structure"] == "dense" else 1.25e-4
distance = math.log(run["lr"] / best)
noise = int(hashlib.sha256(run["id"].encode()).hexdigest()[:8], 16) / 2**32 - 0.5
print("step,examples,train_flops,loss")
for step in run["recorded_steps"]:
    flops = max(run["train_flops"] * step / run["steps"], 1)
    size = math.log10(flops / (10 * run["flops_per_example"] ** 2))  # 0: the right width
    loss = (flops / 1e9) ** -0.15 * math.exp(0.03 * size**2 + 0.05 * distance**2 + 0.002 * noise)
    print(f"{step},{step * run['batch']},{flops},{loss}")
